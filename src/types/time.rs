//! Time as the engine sees it: whole seconds that come in as a parameter.

/// Seconds in a time slot: ten minutes (`docs/FORMATS.md`).
const SLOT_SECONDS: u64 = 600;
const SECONDS_A_DAY: u64 = 86_400;

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `seconds` after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The system clock, for the edges of the program only.
    #[must_use]
    pub fn from_system_clock() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_secs()))
    }

    /// The time slot of this moment: floor(seconds / 600) mod 65536.
    #[must_use]
    pub fn slot(self) -> TimeSlot {
        // The mask leaves 16 bits, so the conversion cannot fail.
        TimeSlot(u16::try_from((self.0 / SLOT_SECONDS) & 0xffff).unwrap_or(0))
    }

    /// The civil year and month in UTC.
    #[must_use]
    pub fn year_month(self) -> (u64, u64) {
        let (year, month, _) = self.date();
        (year, month)
    }

    /// Date and time in UTC as RFC 3339 writes them, to the second.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let ((year, month, day), second) = (self.date(), self.0 % SECONDS_A_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The civil year, month and day in UTC.
    ///
    /// Days-to-civil after Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms", for days from 0000-03-01.
    fn date(self) -> (u64, u64, u64) {
        let day = (self.0 / SECONDS_A_DAY).saturating_add(719_468);
        let era = day / 146_097;
        let day_of_era = day % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        (era * 400 + year_of_era + u64::from(month <= 2), month, day)
    }
}

/// A slot of ten minutes, mod 65536 (it comes round every 455 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeSlot(u16);

impl TimeSlot {
    /// The slot with this number.
    #[must_use]
    pub const fn new(slot: u16) -> Self {
        Self(slot)
    }

    /// The slot's number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Slots that have gone by since this one, `(now - self) mod 65536`.
    #[must_use]
    pub fn age_at(self, now: Self) -> u16 {
        now.0.wrapping_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_months() {
        for (seconds, expected) in [
            (0, (1970, 1)),
            (951_782_399, (2000, 2)),
            (951_868_800, (2000, 3)),
            (1_704_067_199, (2023, 12)),
            (1_704_067_200, (2024, 1)),
            (4_102_444_799, (2099, 12)),
        ] {
            assert_eq!(UnixTime::from_seconds(seconds).year_month(), expected, "{seconds}");
        }
    }

    #[test]
    fn written_out() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime::from_seconds(seconds).to_rfc3339(), expected);
        }
    }

    #[test]
    fn slots_wrap_and_age_over_the_wrap() {
        assert_eq!(UnixTime::from_seconds(599).slot(), TimeSlot::new(0));
        assert_eq!(UnixTime::from_seconds(600 * 65_536 + 1200).slot(), TimeSlot::new(2));
        assert_eq!(TimeSlot::new(65_535).age_at(TimeSlot::new(1)), 2);
        assert_eq!(TimeSlot::new(1).age_at(TimeSlot::new(0)), 65_535);
    }
}
