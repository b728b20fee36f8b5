//! The ticks of a virtual lane: its samples, the orders of the code that steers it, and the end.

use super::{TICK_MS, VirtualLane};
use crate::event::{InstanceSample, LaneSays, LoadTick, Sample, ServerSample};
use crate::incident::fleet::{Fleet, Order};
use crate::lane::CPUS;
use crate::lane::instance::VirtualInstance;
use crate::lane::rollout::{Measured, Ordered};
use crate::lane::watch::Watch;

impl VirtualLane {
    pub(super) fn tick(&mut self) -> anyhow::Result<()> {
        for instance in &self.instances {
            for metric in instance.registry.announce() {
                if self.announced.insert(metric.name.clone()) {
                    if metric.highest {
                        self.highest.insert(metric.name.clone());
                    }
                    self.out.emit(self.now_ms, &LaneSays::Metric(metric));
                }
            }
        }
        if let (Some(tailed), Some(env)) = (&mut self.tailed, self.instances[0].env())
            && let Some(tail) = tailed.tick(env)
        {
            self.out.emit(self.now_ms, &LaneSays::LogTail(tail));
        }
        let (sample, fleet) = self.sample();
        self.out.emit(self.now_ms, &LaneSays::Sample(sample));
        let held: Vec<u64> = self.instances.iter().map(VirtualInstance::heap_bytes).collect();
        let grown = held
            .iter()
            .enumerate()
            .map(|(i, now)| now.saturating_sub(self.held.get(i).copied().unwrap_or_default()));
        self.growth = grown.collect();
        self.held = held;
        self.hold_to_cap()?;
        if let (Some(steer), Some(fleet)) = (self.steer, fleet)
            && let Some(order) = steer(&fleet)
        {
            self.obey(order)?;
        }
        self.out.settle();
        Ok(())
    }

    /// Returns the measurements of this tick, and the state of its release if there is one.
    fn sample(&mut self) -> (Sample, Option<Fleet>) {
        let budget_us = (CPUS as u64 * TICK_MS * 1000) as f64;
        let (mut server, mut load) = (None::<ServerSample>, std::mem::take(&mut self.removed));
        let (mut shown, mut measured, mut busy) = (Vec::new(), Vec::new(), 0.0);
        let weights = self.rollout.weights();
        for (i, instance) in self.instances.iter_mut().enumerate() {
            let own = instance.server();
            let cpu_percent = instance.take_worked_us() as f64 * 100.0 / budget_us;
            busy += cpu_percent;
            let tick = instance.take_load();
            self.rollout.count(i, &tick);
            let tasks = own.as_ref().map_or(0, |server| server.tasks);
            let sites = own.iter().flat_map(|server| &server.wait_sites);
            let waiting = sites.map(|site| site.waiting).sum();
            measured.push(Measured { serves: instance.serves(), tasks, waiting, cpu_percent });
            shown.push(InstanceSample {
                version: self.rollout.version(i).to_owned(),
                share_percent: weights[i],
                serves: instance.serves(),
                tasks,
                resident_bytes: instance.heap_bytes(),
                sent: tick.sent,
                ok: tick.outcomes.ok,
                bad: tick.outcomes.bad(),
            });
            load.add(tick);
            if let Some(own) = own {
                server.get_or_insert_with(ServerSample::default).add(own, &self.highest);
            }
        }
        let mut fleet = self.rollout.fleet(self.now_ms, &measured);
        if let (Some(fleet), Some(server)) = (&mut fleet, &server) {
            (fleet.metrics, fleet.params) = (server.metrics.clone(), self.params.clone());
        }
        let serves = server.is_some();
        let all = self.instances.len();
        let sample = Sample {
            server,
            resident_bytes: serves
                .then(|| self.instances.iter().map(VirtualInstance::heap_bytes).sum()),
            cpu_percent: (serves && busy > 0.0).then_some(busy / all as f64),
            load,
            instances: if all > 1 { shown } else { Vec::new() },
        };
        (sample, fleet)
    }

    /// Carries out an order of the steering function.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn obey(&mut self, order: Order) -> anyhow::Result<()> {
        match self.rollout.obey(order, self.now_ms) {
            Ordered::Scale(instances) => return self.scale(instances),
            Ordered::Release(release) => {
                self.share();
                self.out.emit(self.now_ms, &LaneSays::Release(release));
            }
        }
        self.switch()
    }

    /// Accounts for the requests that were still under way.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn end(&mut self) -> anyhow::Result<()> {
        let servers: Vec<Option<ServerSample>> =
            self.instances.iter_mut().map(VirtualInstance::server).collect();
        let bytes = self.instances.iter().map(VirtualInstance::heap_bytes).sum();
        for instance in &mut self.instances {
            instance.end(self.now_ms)?;
        }
        let (mut server, mut load) = (None::<ServerSample>, LoadTick::default());
        for (instance, own) in self.instances.iter_mut().zip(servers) {
            load.add(instance.take_load());
            if let Some(own) = own {
                server.get_or_insert_with(ServerSample::default).add(own, &self.highest);
            }
        }
        let resident_bytes = server.is_some().then_some(bytes);
        let sample = Sample { server, resident_bytes, load, ..Sample::default() };
        self.out.emit(self.now_ms, &LaneSays::Sample(sample));
        for (task, times) in self.watch.iter().flat_map(Watch::found) {
            self.out.emit(self.now_ms, &LaneSays::Blocked { task, times });
        }
        Ok(())
    }
}
