//! The axis of a chart, on the screen and on a page.

/// From a value to its place between the bottom and the top of a chart.
#[derive(Debug, Clone, Copy)]
pub enum Axis {
    /// From 0 to this value.
    Linear(f64),
    /// From the first to the second value, by their logarithms.
    Log(f64, f64),
}

impl Axis {
    /// 0 is the bottom, 1 the top; beyond it is what a linear axis does not reach.
    pub fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear(top) => value / top,
            Self::Log(least, most) => {
                (value.clamp(least, most) / least).log10() / (most / least).log10()
            }
        }
    }
}

/// The next number of the form 1, 2 or 5 × a power of ten, at or above `value`.
pub fn nice_ceiling(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|n| *n >= value)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::number;

    #[test]
    fn a_log_axis_gives_each_power_the_same_room() {
        let axis = Axis::Log(0.1, 1000.0);
        let places = [0.01, 0.1, 1.0, 10.0, 1e6].map(|value| number(axis.place(value)));
        assert_eq!(places, ["0", "0", "0.25", "0.5", "1"]);
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0.0, 3.0, 190.0, 1001.0].map(|value| number(nice_ceiling(value)));
        assert_eq!(ends, ["1", "5", "200", "2,000"]);
    }
}
