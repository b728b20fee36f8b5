//! The release of a lane: the instances that have it, their share of the requests, and the orders of the code that
//! steers it. One state machine for both clocks; times are milliseconds of the lane's clock.

use crate::event::{LoadTick, Release};
use crate::incident::Bugs;
use crate::incident::fleet::{self, Fleet, Order};
use crate::incident::manifest::MAX_INSTANCES;

/// Version of an instance that has not got the release.
const BEFORE: &str = "before";

/// The parameter that instances with one store divide.
const SHARED: &str = "store_capacity";

/// The release of a lane.
#[derive(Debug)]
pub struct Rollout {
    incident: String,
    /// The variant that the release brings.
    variant: String,
    /// True if code of the variant steers it.
    is_steered: bool,
    in_play: Bugs,
    instances: Vec<InstanceCounts>,
    /// The time of the release, and of the last order; none: there has been no release.
    since_ms: Option<(u64, u64)>,
    orders: u64,
    share_percent: f64,
    /// True if all instances ask one store.
    shares_store: bool,
}

/// One instance: whether it has the release, and its requests since the last order.
#[derive(Debug, Clone, Copy, Default)]
struct InstanceCounts {
    released: bool,
    sent: u64,
    ok: u64,
    bad: u64,
}

/// An instance as its lane measures it, for the code that steers the release.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    /// True if it serves.
    pub serves: bool,
    /// Tasks alive in it.
    pub tasks: u64,
    /// Tasks that wait in it, at marked places.
    pub waiting: u64,
    /// Share of its processors that it uses, in percent.
    pub cpu_percent: f64,
}

/// The change that an order asks of a lane.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// This many instances serve.
    Scale(usize),
    /// Other instances have the release.
    Release(Release),
}

impl Rollout {
    /// A lane without instances, before the release.
    pub fn new(incident: &str, variant: &str, is_steered: bool, in_play: Bugs) -> Self {
        Self {
            incident: incident.to_owned(),
            variant: variant.to_owned(),
            is_steered,
            in_play,
            instances: Vec::new(),
            since_ms: None,
            orders: 0,
            share_percent: 0.0,
            shares_store: false,
        }
    }

    /// The same lane with one store for all instances, if `shares_store` is true.
    #[must_use]
    pub fn sharing_store(mut self, shares_store: bool) -> Self {
        self.shares_store = shares_store;
        self
    }

    /// The value of a parameter for one instance. The capacity of a store that all share is divided among them, as a
    /// database's connections are; each has at least one.
    pub fn of_instance(&self, param: &str, value: f64) -> f64 {
        if !self.shares_store || param != SHARED || value <= 0.0 {
            return value;
        }
        (value / self.instances.len().max(1) as f64).floor().max(1.0)
    }

    /// The parameters whose value for one instance depends on their number.
    pub fn divided(&self) -> impl Iterator<Item = &'static str> {
        self.shares_store.then_some(SHARED).into_iter()
    }

    /// Orders that have been carried out.
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// Sets the number of instances, within the range that a lane has. Returns it. An instance that is added after a
    /// release to all has it too.
    pub fn scale(&mut self, wanted: usize) -> usize {
        let wanted = wanted.clamp(1, MAX_INSTANCES);
        let all = |instances: &[InstanceCounts]| instances.iter().all(|instance| instance.released);
        let released = !self.instances.is_empty() && all(&self.instances);
        self.instances.resize(wanted, InstanceCounts { released, ..InstanceCounts::default() });
        wanted
    }

    /// Sets the incidents in play, with their variants. Returns whether the steered release begins (true) or is taken
    /// back (false); none where it does neither.
    pub fn set_in_play(&mut self, in_play: Bugs, now_ms: u64) -> Option<bool> {
        self.in_play = in_play;
        let released = self.in_play.contains_key(&self.incident);
        if !self.is_steered || released == self.since_ms.is_some() {
            return None;
        }
        self.since_ms = released.then_some((now_ms, now_ms));
        self.give(0, 0.0);
        Some(released)
    }

    /// The incidents in play in an instance: without the release, where it has not got it.
    pub fn in_play(&self, instance: usize) -> Bugs {
        let mut in_play = self.in_play.clone();
        if self.is_steered && !self.released(instance) {
            in_play.remove(&self.incident);
        }
        in_play
    }

    /// Returns true if an instance has the release.
    fn released(&self, instance: usize) -> bool {
        self.instances.get(instance).is_some_and(|instance| instance.released)
    }

    /// The version of an instance. Where no code steers the release, all instances run what is in play.
    pub fn version(&self, instance: usize) -> &str {
        match (self.is_steered, self.released(instance)) {
            (true, true) => &self.variant,
            (true, false) => BEFORE,
            (false, _) => self.in_play.get(&self.incident).map_or("fixed", String::as_str),
        }
    }

    /// The share of the requests of each instance, in percent.
    pub fn weights(&self) -> Vec<f64> {
        let released: Vec<bool> = self.instances.iter().map(|i| i.released).collect();
        fleet::weights(&released, self.share_percent)
    }

    /// Counts the requests of an instance in a tick.
    pub fn count(&mut self, instance: usize, tick: &LoadTick) {
        if let Some(instance) = self.instances.get_mut(instance) {
            instance.sent += tick.sent;
            instance.ok += tick.outcomes.ok;
            // A rejected request is no fault of the release.
            instance.bad += tick.outcomes.bad();
        }
    }

    /// The instances as the code that steers the release sees them; none before the release.
    pub fn fleet(&self, now_ms: u64, measured: &[Measured]) -> Option<Fleet> {
        let (release_ms, order_ms) = self.since_ms?;
        let seconds = |from_ms: u64| now_ms.saturating_sub(from_ms) as f64 / 1000.0;
        let instances = self.instances.iter().zip(measured).map(|(own, measured)| {
            let InstanceCounts { released, sent, ok, bad } = *own;
            let Measured { serves, tasks, waiting, cpu_percent } = *measured;
            fleet::Instance { released, serves, sent, ok, bad, tasks, waiting, cpu_percent }
        });
        Some(Fleet {
            since_release_s: seconds(release_ms),
            since_order_s: seconds(order_ms),
            orders: self.orders,
            instances: instances.collect(),
            ..Fleet::default()
        })
    }

    /// Gives the release to the first so many instances, and them a share of the requests.
    fn give(&mut self, instances: usize, share_percent: f64) {
        for (i, instance) in self.instances.iter_mut().enumerate() {
            *instance = InstanceCounts { released: i < instances, ..InstanceCounts::default() };
        }
        self.share_percent = share_percent;
    }

    /// Takes in an order of the code that steers the release.
    pub fn obey(&mut self, order: Order, now_ms: u64) -> Ordered {
        self.orders += 1;
        if let Some((_, order_ms)) = &mut self.since_ms {
            *order_ms = now_ms;
        }
        let all = self.instances.len();
        let (instances, share_percent, says) = match order {
            Order::Scale { instances } => return Ordered::Scale(instances),
            Order::Release { instances, share_percent, says } => {
                (instances.min(all), share_percent, says)
            }
            Order::RollBack { says } => (0, 0.0, says),
        };
        self.give(instances, share_percent);
        let version = if instances > 0 { self.variant.clone() } else { BEFORE.to_owned() };
        let (instances, share_percent) = if instances == 0 || instances == all {
            (all, 100.0)
        } else {
            (instances, share_percent)
        };
        Ordered::Release(Release { version, instances, share_percent, says })
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are small and exact")]
mod tests {
    use super::*;
    use crate::event::Outcomes;

    fn in_play() -> Bugs {
        Bugs::from([("canary".to_owned(), "broken".to_owned())])
    }

    fn steered(instances: usize) -> Rollout {
        let mut rollout = Rollout::new("canary", "broken", true, Bugs::new());
        rollout.scale(instances);
        rollout
    }

    #[test]
    fn without_steering_all_instances_run_what_is_in_play() {
        let mut rollout = Rollout::new("canary", "broken", false, Bugs::new());
        assert_eq!((rollout.scale(0), rollout.scale(2), rollout.scale(99)), (1, 2, MAX_INSTANCES));
        rollout.scale(2);
        assert_eq!(rollout.version(1), "fixed");
        assert_eq!(rollout.set_in_play(in_play(), 5000), None);
        assert_eq!((rollout.version(0), rollout.version(1)), ("broken", "broken"));
        assert_eq!(rollout.weights(), [50.0, 50.0]);
        assert_eq!(rollout.fleet(6000, &[]), None);
    }

    #[test]
    fn a_steered_release_goes_where_it_is_ordered_and_back() {
        let mut rollout = steered(4);
        assert_eq!(rollout.set_in_play(in_play(), 5000), Some(true));
        assert_eq!(rollout.set_in_play(in_play(), 5100), None, "it has begun");
        assert!(rollout.in_play(0).is_empty() && rollout.version(0) == BEFORE);
        let order = Order::Release { instances: 1, share_percent: 10.0, says: "canary".to_owned() };
        let release = |version: &str, instances, share_percent, says: &str| {
            let (version, says) = (version.to_owned(), says.to_owned());
            Ordered::Release(Release { version, instances, share_percent, says })
        };
        assert_eq!(rollout.obey(order, 6000), release("broken", 1, 10.0, "canary"));
        assert_eq!((rollout.version(0), rollout.version(1)), ("broken", BEFORE));
        assert_eq!(rollout.weights(), [10.0, 30.0, 30.0, 30.0]);
        assert_eq!(rollout.in_play(0), in_play());
        let all = Order::Release { instances: 9, share_percent: 10.0, says: "all".to_owned() };
        assert_eq!(rollout.obey(all, 7000), release("broken", 4, 100.0, "all"));
        // Added after a release to all, an instance has it too.
        rollout.scale(5);
        assert_eq!(rollout.version(4), "broken");
        assert_eq!(rollout.obey(Order::roll_back("bad"), 8000), release(BEFORE, 5, 100.0, "bad"));
        assert!((0..5).all(|instance| rollout.version(instance) == BEFORE));
        assert_eq!(rollout.obey(Order::Scale { instances: 2 }, 8000), Ordered::Scale(2));
        assert_eq!((rollout.orders(), rollout.set_in_play(Bugs::new(), 9000)), (4, Some(false)));
    }

    #[test]
    fn instances_with_one_store_divide_its_capacity() {
        let mut rollout = steered(2);
        assert_eq!(rollout.of_instance("store_capacity", 40.0), 40.0, "each has its own");
        rollout = rollout.sharing_store(true);
        assert_eq!(rollout.of_instance("store_capacity", 40.0), 20.0);
        rollout.scale(6);
        assert_eq!(
            (rollout.of_instance("store_capacity", 40.0), rollout.of_instance("store_ms", 40.0)),
            (6.0, 40.0)
        );
        assert_eq!(
            (
                rollout.of_instance("store_capacity", 3.0),
                rollout.of_instance("store_capacity", 0.0)
            ),
            (1.0, 0.0)
        );
    }

    #[test]
    fn the_fleet_counts_from_the_last_order() {
        let mut rollout = steered(2);
        rollout.set_in_play(in_play(), 5000);
        let outcomes =
            Outcomes { ok: 7, rejected: 1, failed: 1, timed_out: 1, ..Outcomes::default() };
        let tick = LoadTick { sent: 10, outcomes, ..LoadTick::default() };
        rollout.count(1, &tick);
        let measured = [Measured { serves: true, tasks: 3, waiting: 2, cpu_percent: 8.0 }; 2];
        let fleet = rollout.fleet(7500, &measured).expect("there is a release");
        assert_eq!((fleet.since_release_s, fleet.since_order_s, fleet.orders), (2.5, 2.5, 0));
        let seen = &fleet.instances[1];
        assert_eq!((seen.sent, seen.ok, seen.bad, seen.tasks, seen.waiting), (10, 7, 2, 3, 2));
        rollout.obey(Order::release(1, 2, "half"), 8000);
        let fleet = rollout.fleet(8500, &measured).expect("there is a release");
        assert_eq!((fleet.since_release_s, fleet.since_order_s, fleet.orders), (3.5, 0.5, 1));
        assert_eq!((fleet.instances[0].released, fleet.instances[1].sent), (true, 0));
    }
}
