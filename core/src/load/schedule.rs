//! The list of arrivals: the same seed gives the same arrivals to every lane, on every machine.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::incident::traffic::Arrivals;
use crate::random;

/// An endless, seeded list of arrivals whose rate and mix can be changed on the way.
#[derive(Debug, Clone)]
pub struct Schedule {
    rate_per_s: f64,
    arrivals: Arrivals,
    /// Running sums of the kinds' weights.
    weights: Vec<f64>,
    dice: ChaCha8Rng,
    keys: ChaCha8Rng,
    last: Duration,
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Since the schedule began.
    pub at: Duration,
    /// Index into the mix.
    pub kind: usize,
    /// A number drawn for whatever the request is about, all equally likely.
    pub draw: u64,
}

impl Schedule {
    /// A schedule of `rate_per_s` arrivals whose kinds have these weights.
    pub fn new(rate_per_s: f64, arrivals: Arrivals, weights: &[f64], seed: u64) -> Self {
        let (dice, keys) = (random::stream(seed, "arrivals"), random::stream(seed, "keys"));
        let mut schedule =
            Self { rate_per_s, arrivals, weights: Vec::new(), dice, keys, last: Duration::ZERO };
        schedule.set_weights(weights);
        schedule
    }

    /// A new rate for the arrivals after the last one taken.
    pub fn set_rate(&mut self, rate_per_s: f64) {
        self.rate_per_s = rate_per_s;
    }

    /// A new mix for the arrivals after the last one taken.
    pub fn set_weights(&mut self, weights: &[f64]) {
        self.weights = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
    }

    fn interval(&mut self) -> Duration {
        let mean_s = 1.0 / self.rate_per_s;
        let seconds = match self.arrivals {
            Arrivals::Constant => mean_s,
            // Inverse of the exponential distribution; `random` is below 1, so its logarithm's
            // argument is above 0.
            Arrivals::Poisson => -(1.0 - self.dice.random::<f64>()).ln() * mean_s,
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        self.last = self.last.checked_add(self.interval())?;
        let thrown = self.dice.random::<f64>() * self.weights.last()?;
        let kind = self.weights.partition_point(|sum| *sum <= thrown).min(self.weights.len() - 1);
        Some(Arrival { at: self.last, kind, draw: self.keys.random() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_arrivals() {
        let take = |seed| -> Vec<Arrival> {
            Schedule::new(100.0, Arrivals::Poisson, &[1.0, 3.0], seed).take(1000).collect()
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }

    #[test]
    fn rate_and_mix_are_as_asked() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let list: Vec<Arrival> =
                Schedule::new(500.0, arrivals, &[1.0, 3.0], 1).take(20_000).collect();
            let rate = list.len() as f64 / list[list.len() - 1].at.as_secs_f64();
            assert!((rate / 500.0 - 1.0).abs() < 0.03, "{arrivals:?}: {rate}");
            let second = list.iter().filter(|a| a.kind == 1).count() as f64;
            assert!((second / list.len() as f64 - 0.75).abs() < 0.02);
        }
    }

    #[test]
    fn a_new_rate_holds_from_the_next_arrival() {
        let mut schedule = Schedule::new(10.0, Arrivals::Constant, &[1.0], 1);
        let first = schedule.next().expect("endless").at;
        schedule.set_rate(1000.0);
        let second = schedule.next().expect("endless").at;
        assert_eq!((first, second), (Duration::from_millis(100), Duration::from_millis(101)));
    }
}
