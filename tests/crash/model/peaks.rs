//! The highest counter up to a moment.

use std::collections::BTreeMap;

/// Counters by the moment at which they were seen, as far as each is higher than
/// all before it.
#[derive(Debug, Clone, Default)]
pub struct Peaks(BTreeMap<u64, u32>);

impl Peaks {
    /// Takes note of a counter; moments may come in any order.
    pub fn note(&mut self, moment: u64, atc: u32) {
        if self.before(moment + 1) >= atc {
            return;
        }
        self.0.insert(moment, atc);
        let lower: Vec<u64> =
            self.0.range(moment + 1..).take_while(|(_, later)| **later <= atc).map(|(at, _)| *at).collect();
        for at in lower {
            self.0.remove(&at);
        }
    }

    /// The highest seen before a moment, 0 if none.
    pub fn before(&self, moment: u64) -> u32 {
        self.0.range(..moment).next_back().map_or(0, |(_, atc)| *atc)
    }
}
