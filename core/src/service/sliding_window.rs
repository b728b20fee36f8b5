//! A sliding window: the values recorded in the last seconds, their number and their mean.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Parts that a window is kept in: a value is forgotten at most a tenth of the window late.
const PARTS: u32 = 10;

/// Values of the last seconds, in bounded memory.
#[derive(Debug)]
pub struct SlidingWindow {
    span: Duration,
    parts: Mutex<VecDeque<Part>>,
}

/// The values of a tenth of the window.
#[derive(Debug)]
struct Part {
    began: Instant,
    count: u64,
    sum: f64,
}

impl SlidingWindow {
    /// A window over so much time.
    pub fn new(span: Duration) -> Self {
        Self { span, parts: Mutex::default() }
    }

    /// The parts that are within the window.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Part>> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        while parts.front().is_some_and(|part| part.began.elapsed() >= self.span) {
            parts.pop_front();
        }
        parts
    }

    /// Adds a value.
    pub fn record(&self, value: f64) {
        let mut parts = self.lock();
        if parts.back().is_none_or(|part| part.began.elapsed() >= self.span / PARTS) {
            parts.push_back(Part { began: Instant::now(), count: 0, sum: 0.0 });
        }
        if let Some(part) = parts.back_mut() {
            part.count += 1;
            part.sum += value;
        }
    }

    /// Number of values in the window.
    pub fn count(&self) -> u64 {
        self.lock().iter().map(|part| part.count).sum()
    }

    /// Mean of the values in the window; 0 if there are none.
    pub fn mean(&self) -> f64 {
        let parts = self.lock();
        let count: u64 = parts.iter().map(|part| part.count).sum();
        let sum: f64 = parts.iter().map(|part| part.sum).sum();
        if count == 0 { 0.0 } else { sum / count as f64 }
    }

    /// Forgets all values.
    pub fn clear(&self) {
        self.lock().clear();
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are small and exact")]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn values_leave_the_window() {
        let window = SlidingWindow::new(Duration::from_secs(1));
        assert_eq!((window.count(), window.mean()), (0, 0.0));
        window.record(1.0);
        sleep(Duration::from_millis(600)).await;
        window.record(0.0);
        window.record(0.5);
        assert_eq!((window.count(), window.mean()), (3, 0.5));
        sleep(Duration::from_millis(500)).await;
        assert_eq!((window.count(), window.mean()), (2, 0.25));
        window.clear();
        assert_eq!(window.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_values_takes_bounded_memory() {
        let window = SlidingWindow::new(Duration::from_secs(1));
        for _ in 0..10_000 {
            window.record(2.0);
            sleep(Duration::from_millis(1)).await;
        }
        assert!(window.lock().len() <= PARTS as usize + 1);
        assert_eq!(window.mean(), 2.0);
    }
}
