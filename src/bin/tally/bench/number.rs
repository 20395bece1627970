//! Numbers as they are computed with and told.

use std::time::Duration;

/// A count as a float; exact up to 2^53.
pub fn float(count: u64) -> f64 {
    let (high, low) = (count >> 32, count & 0xffff_ffff);
    let half = |half: u64| u32::try_from(half).map_or(f64::INFINITY, f64::from);
    half(high) * 4_294_967_296.0 + half(low)
}

/// The median; the lower one of two. Zero of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// A whole number with commas: `1,234,567`.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value <= -0.5 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Nanoseconds in the unit that suits: `412 ns`, `17.3 us`, `4.21 ms`, `1.27 s`.
pub fn nanoseconds(nanos: f64) -> String {
    match nanos {
        ..1e4 => format!("{nanos:.0} ns"),
        ..1e6 => format!("{:.1} us", nanos / 1e3),
        ..1e9 => format!("{:.2} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

/// A part of a stretch of time.
pub fn share(whole: Duration, parts: u32) -> Duration {
    whole / parts.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_write_them() {
        let told: Vec<_> = [0.0, 999.4, 1000.0, 1_234_567.0, -1234.0].map(grouped).into();
        assert_eq!(told, ["0", "999", "1,000", "1,234,567", "-1,234"]);
        let told: Vec<_> = [412.0, 17_300.0, 4_210_000.0, 1.27e9].map(nanoseconds).into();
        assert_eq!(told, ["412 ns", "17.3 us", "4.21 ms", "1.27 s"]);
    }

    #[test]
    fn a_count_stays_what_it_is() {
        for count in [0, 1, 0xffff_ffff, 0x1_0000_0000, 1 << 53] {
            assert_eq!(format!("{:.0}", float(count)), count.to_string());
        }
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median(vec![]).to_bits(), 0f64.to_bits());
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2f64.to_bits());
    }
}
