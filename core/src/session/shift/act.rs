//! Actions on the running service, as commands for its run.

use super::Shift;
use super::scenario::Scenario;
use super::task::Task;
use crate::script::Control;

impl Shift {
    /// The task with the number of the change that it rolls back.
    pub(super) fn resolved(&self, task: Task) -> Task {
        match task {
            Task::RollBack { change: None } => {
                Task::RollBack { change: Some(self.newest_release()) }
            }
            task => task,
        }
    }

    /// The task in words, with the change that it rolls back.
    pub fn text(&self, task: &Task) -> String {
        match task {
            Task::RollBack { change: Some(number) } => {
                let row = self.changes().into_iter().find(|row| row.change == *number);
                row.map_or(task.text(), |row| format!("roll back {}", row.text))
            }
            task => task.text(),
        }
    }

    /// Changes the service.
    pub(super) fn act(&mut self, task: &Task) {
        match task {
            Task::Shed { percent } => {
                self.shed_percent = *percent;
                self.queue.push(Control::SetRate(self.let_through()));
            }
            task => self.queue.extend(control(task, &self.scenario, &mut self.off)),
        }
    }

    /// The clients offer another load.
    pub(super) fn offer(&mut self, rate_per_s: f64) {
        if (rate_per_s - self.let_through()).abs() < 1e-6 && self.shed_percent > 0.0 {
            return;
        }
        self.offered_per_s = rate_per_s;
        if self.shed_percent > 0.0 {
            self.queue.push(Control::SetRate(self.let_through()));
        }
    }

    /// The load that reaches the service, in requests a second.
    fn let_through(&self) -> f64 {
        (self.offered_per_s * (100.0 - self.shed_percent) / 100.0).max(1.0)
    }
}

/// The command of an action on lane 0. `off` holds the middlewares that are off.
pub(super) fn control(task: &Task, scenario: &Scenario, off: &mut Vec<String>) -> Option<Control> {
    let lane = 0;
    Some(match task {
        Task::RollBack { change } => {
            let change = scenario.changes.get(change.unwrap_or_default().wrapping_sub(1))?;
            scenario.roll_back(change.kind, lane)?
        }
        Task::Restart => Control::Restart { lane, console: false },
        Task::Scale { instances } => Control::Scale { lane, instances: *instances },
        Task::Middleware { name, on } => {
            off.retain(|known| known != name);
            if !on {
                off.push(name.clone());
            }
            Control::SetWithout { lane, slots: off.clone() }
        }
        Task::Set { name, value } => Control::SetParam { name: name.clone(), value: *value },
        Task::Breaker { open } => {
            Control::SetParam { name: "store_cut".to_owned(), value: f64::from(u8::from(*open)) }
        }
        Task::Look { .. } | Task::Wait { .. } | Task::Shed { .. } => return None,
    })
}
