//! A lane's instances as the code that releases to them sees them, and what it may order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Decides what happens to a release: asked at each sample from the release on. The one function that
/// a variant exports beside `install` where the flaw is in how a release is rolled out.
pub type Steer = fn(&Fleet) -> Option<Order>;

/// A lane's instances.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Seconds since the release.
    pub since_release_s: f64,
    /// Seconds since the last order, the release being one.
    pub since_order_s: f64,
    /// Orders that have been carried out.
    pub orders: u64,
    /// Each of them.
    pub instances: Vec<Instance>,
    /// The registered metrics by name, summed over the instances.
    pub metrics: BTreeMap<String, f64>,
    /// The parameters of the run by name, in the units of the manifest.
    pub params: BTreeMap<String, f64>,
}

/// One instance, measured since the last order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// True if it has the release.
    pub released: bool,
    /// True if it serves.
    pub serves: bool,
    /// Requests that it was sent.
    pub sent: u64,
    /// Those that were answered well.
    pub ok: u64,
    /// Those that failed, timed out or were answered wrongly.
    pub bad: u64,
    /// Tasks alive in it now.
    pub tasks: u64,
    /// Tasks that wait in it now, at marked places.
    pub waiting: u64,
    /// Share of its processors that it uses, in percent.
    pub cpu_percent: f64,
}

/// Orders of a steering function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Gives the release to so many instances, and them this share of the requests.
    Release {
        /// Number of instances; at most all.
        instances: usize,
        /// The share, in percent.
        share_percent: f64,
        /// Why, for people.
        says: String,
    },
    /// Gives all instances what was before the release, and equal shares.
    RollBack {
        /// Why, for people.
        says: String,
    },
    /// Lets so many instances serve. A new one has what all others have, and gets requests once it serves; of those
    /// that go the requests in flight fail.
    Scale {
        /// Number of instances, 1 to 8.
        instances: usize,
    },
}

/// An order, and how many had been carried out when it was given: what is out of date is not obeyed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    /// See [`Fleet::orders`].
    pub after: u64,
    /// The order.
    pub order: Order,
}

impl Order {
    /// The release goes to so many instances, with an equal share of the requests.
    pub fn release(instances: usize, of: usize, says: &str) -> Self {
        let share_percent = 100.0 * instances as f64 / of as f64;
        Self::Release { instances, share_percent, says: says.to_owned() }
    }

    /// Back to what was before.
    pub fn roll_back(says: &str) -> Self {
        Self::RollBack { says: says.to_owned() }
    }
}

impl Fleet {
    /// Those that have the release.
    pub fn canaries(&self) -> impl Iterator<Item = &Instance> + Clone {
        self.instances.iter().filter(|instance| instance.released)
    }

    /// A registered metric, summed over the instances; 0 if no code has registered it.
    pub fn metric(&self, name: &str) -> f64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    /// Those that have not.
    pub fn others(&self) -> impl Iterator<Item = &Instance> + Clone {
        self.instances.iter().filter(|instance| !instance.released)
    }
}

/// The share of requests that went wrong, in percent, over several instances; 0 without requests.
pub fn bad_percent<'a>(instances: impl Iterator<Item = &'a Instance>) -> f64 {
    let (ended, bad) = instances.fold((0, 0), |(ended, bad), instance| {
        (ended + instance.ok + instance.bad, bad + instance.bad)
    });
    if ended == 0 { 0.0 } else { bad as f64 * 100.0 / ended as f64 }
}

/// Splits requests among instances by their weights, as evenly as can be: smooth weighted round
/// robin. The same on either clock.
#[derive(Debug, Clone, Default)]
pub struct Splitter {
    weights: Vec<f64>,
    due: Vec<f64>,
}

impl Splitter {
    /// New weights, one an instance.
    pub fn set(&mut self, weights: Vec<f64>) {
        self.due = vec![0.0; weights.len()];
        self.weights = weights;
    }

    /// The instance that the next request goes to; the first where nobody has a weight.
    pub fn pick(&mut self) -> usize {
        let mut best = 0;
        for (i, weight) in self.weights.iter().enumerate() {
            self.due[i] += weight;
            if self.due[i] > self.due[best] {
                best = i;
            }
        }
        if let Some(due) = self.due.get_mut(best) {
            *due -= self.weights.iter().sum::<f64>();
        }
        best
    }
}

/// The weights of instances: the released ones share so many percent, the others the rest.
pub fn weights(released: &[bool], share_percent: f64) -> Vec<f64> {
    let new = released.iter().filter(|released| **released).count();
    let old = released.len() - new;
    let share = match (new, old) {
        (0, _) => 0.0,
        (_, 0) => 100.0,
        _ => share_percent.clamp(0.0, 100.0),
    };
    let weight = |released: &bool| match released {
        true => share / new.max(1) as f64,
        false => (100.0 - share) / old.max(1) as f64,
    };
    released.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_split_by_weight_and_evenly() {
        let mut splitter = Splitter::default();
        splitter.set(weights(&[true, false, false, false, false], 4.0));
        let mut counts = [0; 5];
        for _ in 0..1000 {
            counts[splitter.pick()] += 1;
        }
        assert_eq!(counts, [40, 240, 240, 240, 240]);
        splitter.set(weights(&[false; 3], 50.0));
        let mut next = || splitter.pick();
        assert_eq!([next(), next(), next()], [0, 1, 2]);
        assert_eq!(weights(&[true, true], 7.0), [50.0, 50.0]);
    }

    #[test]
    fn what_went_wrong_is_told_over_instances() {
        let of = |ok, bad| Instance { ok, bad, ..Instance::default() };
        assert!((bad_percent([of(90, 10), of(100, 0)].iter()) - 5.0).abs() < 1e-9);
        assert!(bad_percent(std::iter::empty()) < 1e-9);
    }
}
