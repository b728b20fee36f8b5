//! Does the clock of this machine jump while a run goes on? Certificates go by it.

use std::time::SystemTime;

use tokio::time::Instant;

/// Milliseconds that the clock may be corrected by without a word.
const CORRECTED_MS: i64 = 1000;

/// The clock of the machine beside one that cannot be set.
#[derive(Debug)]
pub(super) struct WallClock {
    began: (Instant, SystemTime),
    /// Milliseconds by which it has jumped so far.
    jumped_ms: i64,
}

impl WallClock {
    /// A watch over the clock from now on.
    #[expect(clippy::disallowed_methods, reason = "it is this clock that is watched")]
    pub(super) fn new() -> Self {
        Self { began: (Instant::now(), SystemTime::now()), jumped_ms: 0 }
    }

    /// Returns the milliseconds by which the clock has jumped since the last call, if it has.
    #[expect(clippy::disallowed_methods, reason = "it is this clock that is watched")]
    pub(super) fn jump_ms(&mut self) -> Option<i64> {
        self.jump_at(Instant::now(), SystemTime::now())
    }

    fn jump_at(&mut self, now: Instant, wall: SystemTime) -> Option<i64> {
        let (began, began_wall) = self.began;
        let passed_ms = now.duration_since(began).as_millis() as i64;
        let wall_ms = match wall.duration_since(began_wall) {
            Ok(forward) => forward.as_millis() as i64,
            Err(back) => -(back.duration().as_millis() as i64),
        };
        let jump_ms = wall_ms - passed_ms - self.jumped_ms;
        (jump_ms.abs() > CORRECTED_MS).then(|| {
            self.jumped_ms += jump_ms;
            jump_ms
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_jump_is_told_once() {
        let mut clock = WallClock::new();
        let (began, wall) = clock.began;
        let mut at = |passed_s: u64, wall_s: i64| {
            let shift = Duration::from_secs(wall_s.unsigned_abs());
            let wall = if wall_s < 0 { wall - shift } else { wall + shift };
            clock.jump_at(began + Duration::from_secs(passed_s), wall)
        };
        assert_eq!(at(5, 5), None);
        assert_eq!(at(6, 7), None, "a correction");
        assert_eq!(at(7, 3607), Some(3_600_000));
        assert_eq!(at(8, 3608), None);
        assert_eq!(at(9, -10), Some(-3_619_000));
        assert_eq!(at(10, -9), None);
    }
}
