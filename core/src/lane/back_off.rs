//! Delays before a process is restarted, on both clocks.

use std::time::Duration;

/// The first back-off after a crash; it doubles with each crash in a row.
const FIRST: Duration = Duration::from_millis(500);

/// The longest back-off.
const LONGEST: Duration = Duration::from_secs(8);

/// A process that served this long before it ended resets the backoff.
const STEADY: Duration = Duration::from_secs(20);

/// The back-off of one lane.
#[derive(Debug, Default)]
pub struct BackOff {
    in_a_row: u32,
    restarts: u32,
}

impl BackOff {
    /// A process that served for `served` has ended by itself or was killed: which restart comes
    /// now, counted from 1, and after how long.
    pub fn next(&mut self, served: Duration) -> (u32, Duration) {
        if served > STEADY {
            self.in_a_row = 0;
        }
        let after = (FIRST * 2_u32.saturating_pow(self.in_a_row.min(8))).min(LONGEST);
        self.in_a_row += 1;
        self.restarts += 1;
        (self.restarts, after)
    }

    /// Somebody restarts the lane by hand: its crashes in a row are forgiven.
    pub fn forgive(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_limit_and_starts_anew_after_a_steady_time() {
        let mut back_off = BackOff::default();
        let waits: Vec<u64> =
            (0..6).map(|_| back_off.next(Duration::ZERO).1.as_millis() as u64).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(back_off.next(Duration::from_secs(21)), (7, FIRST));
        assert_eq!(back_off.next(Duration::ZERO), (8, FIRST * 2));
        back_off.forgive();
        assert_eq!(back_off.next(Duration::ZERO), (9, FIRST));
    }
}
