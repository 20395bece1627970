//! What happened: a digest of all of it, the last of it in words, and counts.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};
use tallystick::store::Group;

/// Lines kept in words.
const KEPT: usize = 50_000;

/// A check that did not hold, as it is thrown.
#[derive(Debug)]
pub struct Failure {
    /// The token concerned, by its slot.
    pub about: Option<usize>,
    pub text: String,
}

/// Ends the run: a check did not hold.
pub fn fail(about: Option<usize>, text: String) -> ! {
    std::panic::panic_any(Failure { about, text })
}

/// What is counted: of what sort, and what.
pub type Kind = (&'static str, &'static str);

struct Line {
    ms: u64,
    about: Option<usize>,
    text: String,
}

#[derive(Default)]
pub struct Trace {
    digest: Sha256,
    lines: VecDeque<Line>,
    counts: BTreeMap<Kind, u64>,
}

impl Trace {
    /// Writes a line, about a token or not.
    pub fn tell(&mut self, ms: u64, about: Option<usize>, text: String) {
        self.digest.update(ms.to_be_bytes());
        self.digest.update(&text);
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { ms, about, text });
    }

    pub fn count(&mut self, what: &'static str) {
        self.count_of("", what);
    }

    pub fn count_of(&mut self, sort: &'static str, what: &'static str) {
        *self.counts.entry((sort, what)).or_default() += 1;
    }

    /// Adds to a count.
    pub fn counts_add(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(("", what)).or_default() += more;
    }

    /// Takes bytes into the digest that are too long for words.
    pub fn tell_bytes(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Takes a group that was sealed, to the last byte.
    pub fn tell_group(&mut self, ms: u64, group: &Group) {
        let moves = group.body.len().saturating_sub(56) / 8;
        let text = format!(
            "group {} of epoch {}: {moves} moves, {} rows, {} records, {} pages, MAC {}",
            group.number.0,
            group.epoch.0,
            group.tokens.len(),
            group.records.len(),
            group.pages.len(),
            short(&group.mac)
        );
        self.tell(ms, None, text);
        self.tell_bytes(&group.body);
        self.tell_bytes(&group.mac);
        group.tokens.iter().for_each(|row| self.digest.update(&row.body));
        group.pages.iter().for_each(|page| self.digest.update(&page.body));
        for record in &group.records {
            self.digest.update(&record.key);
            self.digest.update(record.body.as_deref().unwrap_or_default());
        }
    }

    pub fn counted(&self, what: &'static str) -> u64 {
        self.counts.get(&("", what)).copied().unwrap_or(0)
    }

    pub fn counts(&self) -> &BTreeMap<Kind, u64> {
        &self.counts
    }

    /// The digest of everything told so far.
    pub fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    /// The last lines about a token, then the last of all.
    pub fn print(&self, about: Option<usize>) {
        let print = |line: &Line| eprintln!("{:>10} ms  {}", line.ms, line.text);
        if about.is_some() {
            let own: Vec<_> = self.lines.iter().filter(|line| line.about == about).collect();
            eprintln!("the last events of the token at slot {}:", about.unwrap_or(0));
            own.iter().skip(own.len().saturating_sub(40)).for_each(|line| print(line));
        }
        eprintln!("the last events of all:");
        self.lines.iter().skip(self.lines.len().saturating_sub(25)).for_each(print);
    }
}

/// The beginning of a digest, for people.
pub fn short(digest: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&digest[..digest.len().min(6)])
}
