//! A file of cards.

use std::io::{Read, Result};
use std::sync::OnceLock;

use crate::cards::{Cards, Item, Template};
use crate::command::CardSource;
use crate::types::{Domain, Expiry, Reference, Trid};

/// A file, read in pieces of the size that its first byte says: however it is read, the
/// same cards are in it, and counting finds as many. What a line is rejected for tells
/// nothing of a number that it holds.
pub fn cards(data: &[u8]) {
    static TEMPLATE: OnceLock<Option<Template>> = OnceLock::new();
    let (Some(template), Some((step, file))) = (TEMPLATE.get_or_init(template), data.split_first()) else {
        return;
    };
    let whole = read(template, file);
    let cut = read(template, Dribble(file, usize::from(*step) + 1));
    assert!(whole == cut, "reading a file in pieces changed its cards");
    let counted = Cards::new(file, template, 0).count().ok();
    assert!(counted == whole.and_then(|cards| u64::try_from(cards.len()).ok()), "counting found other cards");
}

/// The lines and what became of each; none if the file cannot be read.
fn read(template: &Template, source: impl Read) -> Option<Vec<(u64, String)>> {
    let (mut cards, mut found) = (Cards::new(source, template, 0), Vec::new());
    loop {
        let Ok(item) = cards.next() else { return None };
        let Some(Item { line, card }) = item else { return Some(found) };
        let told = card.map_or_else(
            |reject| {
                let mut digits = reject.says.split(|c: char| !c.is_ascii_digit());
                assert!(digits.all(|run| run.len() < 8), "a rejection tells a number");
                reject.says
            },
            |card| format!("{:?} {:?}", told(&card.card), card.evidence.reference),
        );
        found.push((line, told));
    }
}

fn template() -> Option<Template> {
    Some(Template {
        trid: Trid::parse(b"40010000001").ok()?,
        auth_provider: Reference::parse("bank").ok()?,
        auth_reference: None,
        auth_number: None,
        domain: Domain::default(),
        providers: None,
    })
}

/// Reads so many bytes at a time.
struct Dribble<'b>(&'b [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.1.min(room.len());
        self.0.read(room.get_mut(..count).unwrap_or_default())
    }
}

fn told(card: &CardSource) -> Option<([u8; 4], Expiry)> {
    if let CardSource::Clear { pan, expiry } = card { Some((pan.last_four(), *expiry)) } else { None }
}
