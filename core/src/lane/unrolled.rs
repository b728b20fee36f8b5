//! A run with which nobody interferes, as the commands that each of its lanes gets: what a parent would
//! say, known beforehand. A page has no parent that could say it on the way.

use crate::event::{ChildStart, Event, ParentSays};
use crate::plan::Case;
use crate::script::{Script, ScriptStep};

/// The commands of a whole run.
#[derive(Debug)]
pub struct Unrolled {
    /// Events that happen without commands: phases, rates, parameters.
    pub told: Vec<Event>,
    /// For each lane what it is told first, and then.
    pub lanes: Vec<(ChildStart, Vec<ParentSays>)>,
}

impl Unrolled {
    /// The run of this plan, up to `end_ms` milliseconds after its beginning.
    pub fn new(case: &Case, end_ms: u64) -> Self {
        let mut script = Script::new(case.clone());
        let begin = |lane| (case.begin(lane, script.in_play(lane)), Vec::new());
        let lanes = (0..case.plan.variants.len()).map(begin).collect();
        let mut unrolled = Self { told: Vec::new(), lanes };
        unrolled.take(script.begin(), 0);
        while let Some(at_ms) = script.next_phase_ms().filter(|at_ms| *at_ms < end_ms) {
            unrolled.advance(at_ms);
            unrolled.take(script.next_phase(), at_ms);
        }
        unrolled.advance(end_ms);
        unrolled
    }

    fn advance(&mut self, to_ms: u64) {
        for (_, commands) in &mut self.lanes {
            commands.push(ParentSays::Advance { to_ms });
        }
    }

    fn take(&mut self, steps: Vec<ScriptStep>, at_ms: u64) {
        for ScriptStep { change, lane, tell } in steps {
            for (of, (_, commands)) in self.lanes.iter_mut().enumerate() {
                commands.extend(change.says(of));
            }
            self.told.extend(tell.map(|what| Event { at_ms, lane, what }));
        }
    }
}
