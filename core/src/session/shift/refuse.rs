//! Inputs that cannot have an effect, and why.

use super::task::Task;
use super::{Shift, ShiftInput, ShiftStage, gather};
use crate::incident::manifest::MAX_INSTANCES;
use crate::incident::{Unknown, chain};
use crate::plan::Case;
use crate::session::run_state::RunState;

impl Shift {
    /// Why an input cannot have an effect now.
    pub(super) fn refuses(
        &self,
        input: &ShiftInput,
        case: &Case,
        head: &RunState,
    ) -> Option<String> {
        match (self.stage, input) {
            (ShiftStage::Watched | ShiftStage::Ended, _) => {
                return Some("the shift is over".to_owned());
            }
            (_, ShiftInput::Begin(_) | ShiftInput::Over)
                if let Some((due_ms, task)) = &self.task =>
            {
                let left_s = due_ms.saturating_sub(self.now_ms).div_ceil(1000);
                return Some(format!("`{}` takes {left_s} s more", task.text()));
            }
            (ShiftStage::Quiet, ShiftInput::Take) => {
                return Some("there is no page yet".to_owned());
            }
            _ => {}
        }
        match input {
            ShiftInput::Begin(task) => self.refuses_task(task, case, head),
            ShiftInput::Name(Some(id)) => case.catalogue.find(id).err().map(|why| why.to_string()),
            ShiftInput::Line(line) => self.refuses_line(*line),
            ShiftInput::Hint if self.next_hint(case).is_none() => {
                Some("there are no more hints".to_owned())
            }
            _ => None,
        }
    }

    fn refuses_task(&self, task: &Task, case: &Case, head: &RunState) -> Option<String> {
        let out_of =
            |what: &str, range: &str| Some(format!("{what} is out of range: expected {range}"));
        match task {
            Task::Wait { seconds } if !(1..=60).contains(seconds) => {
                out_of(&format!("{seconds} s"), "1 to 60 s")
            }
            Task::Scale { instances } if !(1..=MAX_INSTANCES).contains(instances) => {
                out_of(&format!("{instances} instances"), &format!("1 to {MAX_INSTANCES}"))
            }
            Task::Shed { percent } if !(0.0..=95.0).contains(percent) => {
                out_of(&format!("{percent} %"), "0 to 95 %")
            }
            Task::Middleware { name, .. } if !chain::slot_names().any(|known| known == name) => {
                Some(Unknown::new("middleware", name, chain::slot_names()).to_string())
            }
            Task::Middleware { name, on } if *on != self.off.contains(name) => Some(format!(
                "the middleware `{name}` is {} already",
                if *on { "on" } else { "off" }
            )),
            Task::Middleware { name, on: false } if !has_middleware(head, name) => {
                Some(format!("there is no middleware `{name}` in the stack of this service"))
            }
            Task::Breaker { open } if *open == self.is_cut_off() => Some(format!(
                "the circuit breaker is {} already",
                if *open { "open" } else { "closed" }
            )),
            Task::RollBack { change } => {
                let number = change.unwrap_or_else(|| self.newest_release());
                match self.known_changes().nth(number.wrapping_sub(1)) {
                    None => {
                        Some(format!("there is no change {number}: look at the recent changes"))
                    }
                    Some(_) if self.is_rolled_back(number) => {
                        Some(format!("change {number} has been rolled back already"))
                    }
                    Some(change) if !change.kind.is_reversible() => {
                        Some(format!("{} cannot be rolled back", change.kind.text(0)))
                    }
                    Some(_) => None,
                }
            }
            Task::Set { name, value } => {
                let parameters = gather::parameters(case, head);
                let Some(known) = parameters.iter().find(|known| known.name == *name) else {
                    let names = parameters.iter().map(|known| known.name.as_str());
                    return Some(Unknown::new("parameter", name, names).to_string());
                };
                let range = format!("{} to {}", known.min, known.max);
                let is_in = (known.min..=known.max).contains(value);
                (!is_in).then(|| out_of(&format!("{name} = {value}"), &range)).flatten()
            }
            _ => None,
        }
    }

    /// Returns true if the circuit breaker was opened by hand.
    fn is_cut_off(&self) -> bool {
        let mut breakers = self.acted.iter().filter_map(|(_, task)| match task {
            Task::Breaker { open } => Some(*open),
            _ => None,
        });
        breakers.next_back().unwrap_or(false)
    }
}

/// Returns true if a middleware stands in the stack of the service.
fn has_middleware(head: &RunState, name: &str) -> bool {
    let chain = head.lanes.first().map(|lane| &lane.chain);
    chain.is_some_and(|chain| chain.routes.iter().chain(&chain.store).any(|(slot, _)| slot == name))
}
