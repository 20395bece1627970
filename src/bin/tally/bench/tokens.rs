//! Tokens to measure with.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use tallystick::client::Answer;
use tallystick::command::{CardSource, Command, Provision, Reply};
use tallystick::types::{Domain, Evidence, Expiry, Pan, Reference, TokenNumber, Trid, luhn_check_digit};

use super::stream::connect;
use crate::ask::{far_expiry, refused};
use crate::output::Failure;

/// Connections that provision at a time.
const CONNECTIONS: u32 = 4;
/// Cards saved between two looks at the file.
const ROUND: u32 = 262_144;
/// The requestor of every token.
const TRID: u64 = 40_010_000_001;

/// Tokens of one requestor, all of one expiry, in random order.
pub struct Tokens {
    numbers: Vec<TokenNumber>,
    pub expiry: Expiry,
    pub trid: Trid,
}

/// The tokens of one connection, one after the other for ever. Their order is
/// random, so the next one is anywhere in the daemon's memory, but not in ours.
pub struct Hand {
    tokens: Arc<Tokens>,
    first: usize,
    step: usize,
    at: usize,
}

/// All token numbers that a daemon was given by us, in the order of their making.
pub struct Purse {
    numbers: Vec<TokenNumber>,
    /// Where they are kept for the next run, if the directory is ours.
    file: Option<PathBuf>,
}

impl Tokens {
    /// These, shuffled, with the requestor and expiry of our [`card`]s.
    pub fn shuffled(mut numbers: Vec<TokenNumber>) -> Result<Arc<Self>, Failure> {
        shuffle(&mut numbers);
        Ok(Arc::new(Self { numbers, expiry: far_expiry()?, trid: Trid::from_value(TRID)? }))
    }

    /// Deals out the hand of the `nth` of so many connections; with fewer tokens
    /// they share.
    pub fn hand(self: &Arc<Self>, nth: usize, connections: usize) -> Hand {
        let first = nth % self.numbers.len().max(1);
        Hand { tokens: Arc::clone(self), first, step: connections.max(1), at: first }
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.numbers.len()
    }
}

impl Hand {
    /// The next token.
    pub fn next(&mut self) -> Option<TokenNumber> {
        let token = self.tokens.numbers.get(self.at).copied();
        self.at += self.step;
        if self.at >= self.tokens.numbers.len() {
            self.at = self.first;
        }
        token
    }

    /// What all of them share.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl Purse {
    /// An empty one.
    pub const fn new() -> Self {
        Self { numbers: Vec::new(), file: None }
    }

    /// What an earlier run kept in a directory of ours, and will be kept there.
    pub fn kept_in(dir: &Path) -> Result<Self, Failure> {
        let file = dir.join("bench-tokens");
        let bytes = if file.exists() { std::fs::read(&file)? } else { Vec::new() };
        let (numbers, _) = bytes.as_chunks::<8>();
        let number = |bytes: &[u8; 8]| TokenNumber::from_parts(u64::from_be_bytes(*bytes), 16);
        Ok(Self { numbers: numbers.iter().map(number).collect::<Result<_, _>>()?, file: Some(file) })
    }

    /// Tokens known.
    pub const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Saves cards, each of another number, until there are `count` tokens.
    pub fn fill(&mut self, socket: &Path, count: u32) -> Result<(), Failure> {
        let mut held = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let bar = progress(count);
        while held < count {
            bar.set_position(held.into());
            let until = count.min(held.saturating_add(ROUND));
            let made = provision_round(socket, held, until, &bar)?;
            self.keep(&made)?;
            self.numbers.extend(made);
            held = until;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// The first `count`, shuffled.
    pub fn tokens(&self, socket: &Path, count: u32) -> Result<Arc<Tokens>, Failure> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut tokens = Tokens::shuffled(self.numbers.iter().copied().take(count).collect())?;
        // They may have been made in another year.
        if let Some((first, tokens)) = self.numbers.first().zip(Arc::get_mut(&mut tokens)) {
            tokens.expiry = connect(socket)?.show(*first).map_err(|error| refused(&error))?.expiry;
        }
        Ok(tokens)
    }

    fn keep(&self, made: &[TokenNumber]) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        let bytes: Vec<u8> = made.iter().flat_map(|token| token.value().to_be_bytes()).collect();
        OpenOptions::new().append(true).create(true).open(file)?.write_all(&bytes)?;
        Ok(())
    }
}

/// A bar on standard error, if that is a terminal.
fn progress(count: u32) -> ProgressBar {
    let bar = ProgressBar::new(count.into());
    let style = ProgressStyle::with_template("saving cards {wide_bar} {human_pos} of {human_len}, {eta}");
    // The template is right; without a style the bar is only plainer.
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Saves the cards from `from` up to `until` on several connections.
fn provision_round(
    socket: &Path,
    from: u32,
    until: u32,
    bar: &ProgressBar,
) -> Result<Vec<TokenNumber>, Failure> {
    let results = std::thread::scope(|scope| {
        let part = |nth| {
            scope.spawn(move || {
                let cards = (from..until).filter(move |card| card % CONNECTIONS == nth);
                provision(socket, cards, bar)
            })
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(part).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut made = Vec::new();
    for result in results {
        made.extend(result.map_err(|_| Failure::new("a connection's thread panicked"))??);
    }
    Ok(made)
}

fn provision(
    socket: &Path,
    mut cards: impl Iterator<Item = u32>,
    bar: &ProgressBar,
) -> Result<Vec<TokenNumber>, Failure> {
    let mut client = connect(socket)?;
    let (mut made, mut more) = (Vec::new(), true);
    while more || client.under_way() > 0 {
        if more && client.has_room() {
            match cards.next() {
                Some(nth) => drop(client.submit(&Command::Provision(Box::new(card(nth)?)), None)?),
                None => more = false,
            }
            continue;
        }
        let (_, answer) = client.receive()?;
        let Answer::Reply(Reply::Token(view)) = answer.map_err(|error| refused(&error))? else {
            return Err(Failure::new("the daemon answered something else"));
        };
        made.push(view.token);
        if made.len().is_multiple_of(256) {
            bar.inc(256);
        }
    }
    Ok(made)
}

/// The `nth` card to be saved.
pub fn card(nth: u32) -> Result<Provision, Failure> {
    let mut digits = format!("411111{nth:09}").into_bytes();
    digits.push(luhn_check_digit(&digits));
    Ok(Provision {
        card: CardSource::Clear { pan: Pan::parse(&digits)?, expiry: far_expiry()? },
        trid: Trid::from_value(TRID)?,
        evidence: Evidence {
            provider: Reference::parse("bench")?,
            reference: Reference::parse("bench")?,
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    })
}

/// Fisher and Yates, with a small generator: only speed matters.
fn shuffle(numbers: &mut [TokenNumber]) {
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for at in (1..numbers.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let other = u64::try_from(at).map_or(0, |at| seed % (at + 1));
        numbers.swap(at, usize::try_from(other).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(count: u64) -> Arc<Tokens> {
        let number = |value| TokenNumber::from_parts(value, 16).unwrap();
        let (expiry, trid) = (far_expiry().unwrap(), Trid::from_value(TRID).unwrap());
        Arc::new(Tokens { numbers: (0..count).map(number).collect(), expiry, trid })
    }

    #[test]
    fn hands_share_nothing_until_there_are_too_few() {
        let all = tokens(10);
        let mut seen: Vec<u64> = Vec::new();
        for (nth, size) in [(0, 4), (1, 3), (2, 3)] {
            let mut hand = all.hand(nth, 3);
            let round: Vec<_> = (0..size).map(|_| hand.next().unwrap().value()).collect();
            let again: Vec<_> = (0..size).map(|_| hand.next().unwrap().value()).collect();
            assert_eq!(round, again);
            seen.extend(round);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        assert_eq!(tokens(1).hand(3, 4).next().unwrap().value(), 0);
        assert!(tokens(0).hand(0, 1).next().is_none());
    }

    #[test]
    fn shuffling_loses_nothing_and_changes_the_order() {
        let mut numbers = tokens(1000).numbers.clone();
        let before = numbers.clone();
        shuffle(&mut numbers);
        assert_ne!(numbers, before);
        numbers.sort_unstable();
        assert_eq!(numbers, before);
    }
}
