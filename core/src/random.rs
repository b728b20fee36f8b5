//! Chance, by name: two uses never share a stream, and the same seed draws the same everywhere.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of this name under this seed.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(hash(name));
    dice
}

/// FNV-1a, 64 bits: a fixed function, unlike the standard library's hashers.
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A stream that several tasks draw from. Clones share it.
#[derive(Debug, Clone)]
pub struct RandomStream(Arc<Mutex<ChaCha8Rng>>);

impl RandomStream {
    /// The stream of this name under this seed, from its beginning.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(Arc::new(Mutex::new(stream(seed, name))))
    }

    /// A number from 0 to below 1, all equally likely.
    pub fn uniform(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// True in so many of a hundred cases.
    pub fn hits(&self, percent: f64) -> bool {
        self.uniform() * 100.0 < percent
    }

    /// A number with this mean, exponentially distributed: the time to the next of events that
    /// know nothing of one another.
    pub fn exponential(&self, mean: f64) -> f64 {
        -(1.0 - self.uniform()).ln() * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_seeds_have_streams_of_their_own() {
        let draw = |seed, name| -> Vec<u64> {
            let dice = RandomStream::new(seed, name);
            (0..4).map(|_| dice.uniform().to_bits()).collect()
        };
        assert_eq!(draw(1, "arrivals"), draw(1, "arrivals"));
        assert_ne!(draw(1, "arrivals"), draw(2, "arrivals"));
        assert_ne!(draw(1, "arrivals"), draw(1, "store errors"));
        let dice = RandomStream::new(1, "mean");
        let mean = (0..10_000).map(|_| dice.exponential(20.0)).sum::<f64>() / 10_000.0;
        assert!((mean / 20.0 - 1.0).abs() < 0.05, "{mean}");
    }
}
