//! A row of the table.

use serde_json::{Value, json};

use crate::bench::number::{grouped, nanoseconds};
use crate::bench::turns::Turns;

/// A figure, its floor, and the bar it is held against.
pub struct Row {
    /// What programs know it by.
    pub name: &'static str,
    pub what: String,
    pub unit: Unit,
    pub figure: f64,
    /// What it cannot be better than, or is compared with.
    pub floor: Option<Floor>,
    pub bar: Bar,
    /// More for programs.
    pub beside: Value,
}

/// What a figure is compared with.
pub struct Floor {
    pub what: &'static str,
    pub value: f64,
    /// The figure as a multiple of it: the median of the turns' ratios.
    pub ratio: f64,
}

impl Floor {
    /// The figure, which was measured first, and what was measured second.
    pub fn of(turns: &Turns<2>, what: &'static str) -> (f64, Self) {
        let value = turns.median(|[_, floor]| *floor);
        let ratio = turns.median(|[figure, floor]| figure / floor);
        (turns.median(|[figure, _]| *figure), Self { what, value, ratio })
    }
}

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Nanoseconds,
    Bytes,
}

/// What must be reached.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    FigureAtLeast(f64),
    FigureAtMost(f64),
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// Nothing: the row says where a limit lies.
    Nowhere,
}

/// The line above the rows, for people and for programs.
pub fn header() -> (String, Value) {
    let text = format!(
        "{:<58} {:>13}  {:<36} {:>6}  {:<21} {}",
        "what", "figure", "floor", "ratio", "bar", "reached"
    );
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    (text, json!({"row": "machine", "cores": cores, "version": env!("CARGO_PKG_VERSION")}))
}

impl Row {
    /// Whether the bar is reached, if there is one.
    pub fn is_reached(&self) -> Option<bool> {
        let ratio = self.floor.as_ref().map_or(f64::NAN, |floor| floor.ratio);
        match self.bar {
            Bar::FigureAtLeast(bar) => Some(self.figure >= bar),
            Bar::FigureAtMost(bar) => Some(self.figure <= bar),
            Bar::RatioAtLeast(bar) => Some(ratio >= bar),
            Bar::RatioAtMost(bar) => Some(ratio <= bar),
            Bar::Nowhere => None,
        }
    }

    /// The line for people.
    pub fn text(&self) -> String {
        let floor = self.floor.as_ref();
        format!(
            "{:<58} {:>13}  {:<36} {:>6}  {:<21} {}",
            self.what,
            self.unit.tell(self.figure),
            floor.map_or_else(String::new, |floor| format!("{} {}", floor.what, self.unit.tell(floor.value))),
            floor.map_or_else(String::new, |floor| format!("{:.2}", floor.ratio)),
            self.bar_text(),
            self.is_reached().map_or("", |reached| if reached { "reached" } else { "not reached" }),
        )
    }

    /// The object for programs.
    pub fn json(&self) -> Value {
        let floor = self.floor.as_ref().map(
            |floor| json!({"what": floor.what, "value": floor.value, "text": self.unit.tell(floor.value)}),
        );
        json!({
            "row": self.name, "what": self.what, "unit": self.unit.name(),
            "figure": self.figure, "figure_text": self.unit.tell(self.figure), "floor": floor, "ratio": self.floor.as_ref().map(|floor| floor.ratio),
            "bar": self.bar_text(),
            "reached": self.is_reached(), "beside": self.beside,
        })
    }

    fn bar_text(&self) -> String {
        match self.bar {
            Bar::FigureAtLeast(bar) => format!("at least {}", self.unit.tell(bar)),
            Bar::FigureAtMost(bar) => format!("at most {}", self.unit.tell(bar)),
            Bar::RatioAtLeast(bar) => format!("at least {bar:.2} x"),
            Bar::RatioAtMost(bar) => format!("at most {bar:.2} x"),
            Bar::Nowhere => String::new(),
        }
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "per second",
            Self::Nanoseconds => "nanoseconds",
            Self::Bytes => "bytes",
        }
    }

    fn tell(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{} /s", grouped(value)),
            Self::Nanoseconds => nanoseconds(value),
            Self::Bytes if value.abs() < 1000.0 => format!("{value:.1} B"),
            Self::Bytes => format!("{} B", grouped(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figure: f64, ratio: Option<f64>, bar: Bar) -> Row {
        let floor = ratio.map(|ratio| Floor { what: "floor", value: figure / ratio, ratio });
        let (name, what, unit) = ("row", "what".to_owned(), Unit::PerSecond);
        Row { name, what, unit, figure, floor, bar, beside: Value::Null }
    }

    #[test]
    fn each_bar_is_met_at_its_value_and_not_beyond() {
        let reached = |figure, ratio, bar| row(figure, ratio, bar).is_reached().unwrap();
        assert!(
            reached(10.0, None, Bar::FigureAtLeast(10.0)) && !reached(9.9, None, Bar::FigureAtLeast(10.0))
        );
        assert!(
            reached(10.0, None, Bar::FigureAtMost(10.0)) && !reached(10.1, None, Bar::FigureAtMost(10.0))
        );
        assert!(reached(1.0, Some(0.8), Bar::RatioAtLeast(0.8)));
        assert!(!reached(1.0, Some(0.79), Bar::RatioAtLeast(0.8)));
        assert!(reached(1.0, Some(1.5), Bar::RatioAtMost(1.5)));
        assert!(!reached(1.0, Some(1.51), Bar::RatioAtMost(1.5)));
    }

    #[test]
    fn a_ratio_that_is_missing_reaches_nothing() {
        assert_eq!(row(1.0, None, Bar::RatioAtLeast(0.0)).is_reached(), Some(false));
        assert_eq!(row(1.0, None, Bar::RatioAtMost(9.0)).is_reached(), Some(false));
        assert_eq!(row(1.0, Some(1.0), Bar::Nowhere).is_reached(), None);
    }
}
