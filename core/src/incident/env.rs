//! Interface between a server and the code in its middleware stack: parameters, lasting state, random numbers, CPU
//! time, and Go's `go`.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;

use super::cpu::{Cpu, Work};
use crate::random::RandomStream;

/// One server's surroundings. Clones share them.
#[derive(Clone)]
pub struct Env(Arc<EnvState>);

struct EnvState {
    params: Mutex<HashMap<String, Param>>,
    states: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    rust_rule: AtomicBool,
    crash: Box<dyn Fn(i32) + Send + Sync>,
    collectors: Mutex<Vec<Collector>>,
    dice: Mutex<HashMap<String, RandomStream>>,
    cpu: Cpu,
    requests: AtomicU64,
    outside: Arc<AtomicU64>,
    version: Mutex<Arc<str>>,
    host: Host,
}

type Collector = Box<dyn Fn() + Send + Sync>;

/// Runtime environment of a server.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Processors that the service sizes its pools by.
    pub cpus: usize,
    /// Seed of whatever the server draws at random.
    pub seed: u64,
    /// Which of its lane's instances it is, from 0.
    pub instance: usize,
    /// Model of CPU time.
    pub work: Work,
}

/// Effect of an unrecovered panic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PanicRule {
    /// In a request it drops the connection; in a spawned task it ends the process with code 2.
    #[default]
    Go,
    /// It ends the task it happens in, and nothing else.
    Rust,
}

/// A parameter that may change while the server runs.
#[derive(Debug, Clone)]
pub struct Param(Arc<AtomicU64>);

impl Param {
    /// Its value now, in the manifest's unit.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Its value now, for one in milliseconds.
    pub fn millis(&self) -> Duration {
        Duration::try_from_secs_f64(self.get() / 1000.0).unwrap_or_default()
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Env {
    /// Surroundings in which `crash` ends the process with a code, whatever a process is here.
    pub fn new(host: Host, crash: impl Fn(i32) + Send + Sync + 'static) -> Self {
        Self(Arc::new(EnvState {
            params: Mutex::default(),
            states: Mutex::default(),
            rust_rule: AtomicBool::new(false),
            crash: Box::new(crash),
            collectors: Mutex::default(),
            dice: Mutex::default(),
            cpu: Cpu::new(host.work, host.cpus),
            requests: AtomicU64::new(0),
            outside: Arc::default(),
            version: Mutex::new(Arc::from("base")),
            host,
        }))
    }

    /// Returns the runtime environment of the server.
    pub fn host(&self) -> Host {
        self.0.host
    }

    /// The parameter of this name; `otherwise` is its value in a run that does not set it,
    /// which is to say: in a world without the incident that it belongs to.
    pub fn param(&self, name: &str, otherwise: f64) -> Param {
        let mut params = lock(&self.0.params);
        params
            .entry(name.to_owned())
            .or_insert_with(|| Param(Arc::new(otherwise.to_bits().into())))
            .clone()
    }

    /// Gives a parameter a new value, for those who hold it too.
    pub fn set_param(&self, name: &str, value: f64) {
        self.param(name, value).set(value);
    }

    /// The dice of this name: their own stream, which goes on where it was when the chain is
    /// switched. Instances draw differently.
    pub fn random(&self, name: &str) -> RandomStream {
        let Host { seed, instance, .. } = self.0.host;
        let new = || match instance {
            0 => RandomStream::new(seed, name),
            _ => RandomStream::new(seed, &format!("{name} of instance {instance}")),
        };
        lock(&self.0.dice).entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// Keeps a processor busy: real work live, a budget of simulated processors on the virtual
    /// clock.
    pub async fn work(&self, time: Duration) {
        self.0.cpu.work(time).await;
    }

    /// Processor time that [`Env::work`] has taken so far.
    pub fn worked(&self) -> Duration {
        self.0.cpu.worked()
    }

    /// Starts a task that stands for something outside of the service, such as its store: it is not
    /// among the tasks of the lane.
    pub(crate) fn spawn_outside<F>(&self, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        struct Outside(Arc<AtomicU64>);
        impl Drop for Outside {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.outside.fetch_add(1, Ordering::Relaxed);
        let counted = Outside(Arc::clone(&self.0.outside));
        spawn(name, async move {
            let _counted = counted;
            task.await
        })
    }

    /// Tasks that stand for something outside of the service.
    pub fn outside(&self) -> u64 {
        self.0.outside.load(Ordering::Relaxed)
    }

    /// The version of the service: which chain it runs.
    pub fn version(&self) -> Arc<str> {
        Arc::clone(&lock(&self.0.version))
    }

    /// The service has another version from now on.
    pub fn set_version(&self, version: &str) {
        *lock(&self.0.version) = Arc::from(version);
    }

    /// The number of the next request, from 1.
    pub(super) fn next_id(&self) -> u64 {
        self.0.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// State that outlives a switch of the chain: made at the first call, shared by all later
    /// ones, one of each type.
    pub fn shared<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let known = lock(&self.0.states).get(&TypeId::of::<T>()).cloned();
        // Made without the lock, because `make` may need other state.
        let state = known.unwrap_or_else(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make());
            lock(&self.0.states).entry(TypeId::of::<T>()).or_insert(made).clone()
        });
        state.downcast().unwrap_or_else(|_| unreachable!("the key is the type"))
    }

    /// Has `collector` bring its metrics up to date whenever they are about to be read.
    pub fn collect(&self, collector: impl Fn() + Send + Sync + 'static) {
        lock(&self.0.collectors).push(Box::new(collector));
    }

    /// Brings all metrics up to date.
    pub fn bring_up_to_date(&self) {
        lock(&self.0.collectors).iter().for_each(|collector| collector());
    }

    /// Chooses what an unrecovered panic does in tasks that [`Env::go`] starts from now on.
    pub fn set_panic_rule(&self, rule: PanicRule) {
        self.0.rust_rule.store(rule == PanicRule::Rust, Ordering::Relaxed);
    }

    /// Does something again and again, with this time between, for as long as the process lives.
    #[track_caller]
    pub fn every(
        &self,
        name: &'static str,
        period: Duration,
        mut act: impl FnMut() + Send + 'static,
    ) {
        self.go(name, async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                act();
            }
        });
    }

    /// Starts a job in the background, as Go's `go` does: under Go's rule a panic that the job
    /// does not catch ends the process with code 2.
    #[track_caller]
    pub fn go<F>(&self, name: &'static str, job: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.0.rust_rule.load(Ordering::Relaxed) {
            spawn(name, job);
            return;
        }
        let env = self.clone();
        spawn(name, async move {
            if AssertUnwindSafe(job).catch_unwind().await.is_err() {
                (env.0.crash)(2);
            }
        });
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("host", &self.0.host).finish_non_exhaustive()
    }
}

/// `tokio::spawn` with a name that tokio-console shows, in a build that can.
///
/// # Panics
///
/// Outside a runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(name: &'static str, task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(tokio_unstable)]
    return tokio::task::Builder::new()
        .name(name)
        .spawn(task)
        .unwrap_or_else(|e| panic!("no runtime to spawn `{name}` on: {e}"));
    #[cfg(not(tokio_unstable))]
    {
        let _ = name;
        tokio::spawn(task)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI32;

    use super::*;

    fn env() -> (Env, Arc<AtomicI32>) {
        let code = Arc::new(AtomicI32::new(-1));
        let seen = Arc::clone(&code);
        let host = Host { cpus: 2, seed: 1, instance: 0, work: Work::Simulated };
        (Env::new(host, move |code| seen.store(code, Ordering::SeqCst)), code)
    }

    #[test]
    fn a_parameter_changes_for_those_who_hold_it() {
        let (env, _) = env();
        let held = env.param("log_write_ms", 0.0);
        env.set_param("log_write_ms", 100.0);
        assert_eq!(held.millis(), Duration::from_millis(100));
    }

    #[test]
    fn state_is_made_once_and_may_need_other_state() {
        let (env, _) = env();
        let other = env.clone();
        let first = env.shared(move || (1_u32, *other.shared(|| 2_u64)));
        let second = env.shared(|| (7_u32, 7_u64));
        assert_eq!((*first, *second), ((1, 2), (1, 2)));
    }

    #[tokio::test]
    async fn an_unrecovered_panic_follows_the_rule() {
        let (env, code) = env();
        env.set_panic_rule(PanicRule::Rust);
        env.go("job", async { panic!("lost without a word") });
        env.set_panic_rule(PanicRule::Go);
        env.go("job", async {});
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(code.load(Ordering::SeqCst), -1);
        env.go("job", async { panic!("ends the process") });
        while code.load(Ordering::SeqCst) == -1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(code.load(Ordering::SeqCst), 2);
    }
}
