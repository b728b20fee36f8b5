//! The speed that simulated time reaches, measured against real time: a busy machine may not reach the chosen one.

/// Real time between two measurements, in milliseconds.
const INTERVAL_MS: f64 = 1000.0;

/// A speed below this share of the chosen one is shown.
const ENOUGH: f64 = 0.9;

/// Measures the speed of a run in simulated time.
#[derive(Debug, Default)]
pub struct ReachedSpeed {
    wall_ms: f64,
    from_s: f64,
    times: Option<f64>,
}

impl ReachedSpeed {
    /// Takes in that real time has passed, and the time of the run now. A run that was restarted or paused begins
    /// a new measurement.
    pub fn pass(&mut self, wall_ms: f64, now_s: f64, is_paused: bool) {
        if is_paused || now_s < self.from_s {
            *self = Self { from_s: now_s, ..Self::default() };
            return;
        }
        self.wall_ms += wall_ms;
        if self.wall_ms >= INTERVAL_MS {
            self.times = Some((now_s - self.from_s) * 1000.0 / self.wall_ms);
            (self.wall_ms, self.from_s) = (0.0, now_s);
        }
    }

    /// Returns the reached speed if it is below the chosen one, or if there is no chosen one.
    pub fn below(&self, chosen: Option<f64>) -> Option<f64> {
        self.times.filter(|times| chosen.is_none_or(|chosen| *times < chosen * ENOUGH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_that_is_not_reached_is_measured() {
        let mut speed = ReachedSpeed::default();
        for tick in 0..=10 {
            speed.pass(100.0, f64::from(tick) * 0.5, false);
        }
        let reached = speed.below(Some(10.0)).expect("it is slower than chosen");
        assert!((4.0..6.0).contains(&reached), "{reached}");
        assert_eq!(speed.below(Some(5.0)), None);
        assert!(speed.below(None).is_some());
        speed.pass(100.0, 6.0, true);
        assert_eq!(speed.below(None), None, "a paused run has no speed");
    }
}
