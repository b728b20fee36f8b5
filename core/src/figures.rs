//! Figures as people read them.

/// A count with its thousands set apart: `12,345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with as many decimals as its size calls for: `1,234`, `12.3`, `0.45`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "-" } else { "" };
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        ..0.005 => "0".to_owned(),
        1e15.. => format!("{value:e}"),
        100.0.. => format!("{sign}{}", count(size.round() as u64)),
        _ if size.fract() < 0.005 => format!("{sign}{}", size.round()),
        10.0.. => trimmed(format!("{value:.1}")),
        _ => trimmed(format!("{value:.2}")),
    }
}

/// Without decimals that say nothing.
fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in MiB, or in KiB where they are few: `23.4 MiB`, `113 KiB`.
pub fn mib(bytes: u64) -> String {
    let mib = bytes as f64 / (1024.0 * 1024.0);
    match mib {
        ..1.0 => format!("{:.0} KiB", mib * 1024.0),
        ..100.0 => format!("{mib:.1} MiB"),
        _ => format!("{mib:.0} MiB"),
    }
}

/// Milliseconds in the unit that fits: `0.42 ms`, `35 ms`, `2.1 s`.
pub fn millis(ms: f64) -> String {
    match ms {
        1000.0.. => format!("{:.1} s", ms / 1000.0),
        10.0.. => format!("{ms:.0} ms"),
        1.0.. => format!("{ms:.1} ms"),
        ..0.005 => "0 ms".to_owned(),
        _ => format!("{ms:.2} ms"),
    }
}

/// Seconds as a clock: `02:05`, `1:02:05`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        let numbers = [number(1234.6), number(-190.2), number(12.34), number(0.456), number(3.0)];
        let edges = [number(0.5), number(0.9999), number(25.04), number(-0.001), number(1e300)];
        assert_eq!(edges, ["0.5", "1", "25", "0", "1e300"]);
        assert_eq!(numbers, ["1,235", "-190", "12.3", "0.46", "3"]);
        assert_eq!([millis(0.421), millis(35.4), millis(2100.0)], ["0.42 ms", "35 ms", "2.1 s"]);
        assert_eq!([mib(24_536_678), clock(125.0)], ["23.4 MiB".to_owned(), "02:05".to_owned()]);
    }
}
