//! A token bucket: tokens come at a steady rate, up to a number that it holds; whatever takes one may pass.
//!
//! The crate `governor` has one for services. It reads a clock of its own, and this service also runs on a
//! simulated one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Tokens that come at a steady rate. It begins full.
#[derive(Debug)]
pub struct TokenBucket {
    holds: f64,
    /// Tokens, and when they were counted.
    state: Mutex<(f64, Instant)>,
}

impl TokenBucket {
    /// A bucket that holds so many tokens.
    pub fn new(holds: f64) -> Self {
        Self { holds, state: Mutex::new((holds, Instant::now())) }
    }

    /// The tokens, after those were added that came at this rate since the last call.
    fn tokens(&self, rate_per_s: f64) -> MutexGuard<'_, (f64, Instant)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, counted) = &mut *state;
        *tokens = (*tokens + counted.elapsed().as_secs_f64() * rate_per_s).min(self.holds);
        *counted = Instant::now();
        state
    }

    /// Returns true if it can hold no more tokens; since the last call they came at this rate.
    pub fn is_full(&self, rate_per_s: f64) -> bool {
        self.tokens(rate_per_s).0 >= self.holds
    }

    /// Takes a token, if there is one; since the last call they came at this rate.
    pub fn take(&self, rate_per_s: f64) -> bool {
        let mut state = self.tokens(rate_per_s);
        let (tokens, _) = &mut *state;
        let has_one = *tokens >= 1.0;
        if has_one {
            *tokens -= 1.0;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_pass_at_once_and_then_as_many_as_tokens_come() {
        let bucket = TokenBucket::new(3.0);
        let passed = |tries: u32| (0..tries).filter(|_| bucket.take(2.0)).count();
        assert_eq!(passed(10), 3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((passed(10), bucket.is_full(2.0)), (2, false));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(bucket.is_full(2.0));
        assert_eq!(passed(10), 3);
    }
}
