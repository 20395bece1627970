//! A file of cards, card by card.

use std::io::Read;

use thiserror::Error;

use super::card::{Columns, ColumnsError, Reject, Template};
use super::lines::{LONGEST, Line, Lines};
use crate::command::Provision;

/// Why a file cannot be read on.
#[derive(Debug, Error)]
pub enum CardsError {
    /// What the system says.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its first line names columns, and not as it should.
    #[error("line {line}: {why}")]
    Columns {
        /// The number of the line.
        line: u64,
        /// What is wrong.
        why: ColumnsError,
    },
}

/// A line that is a card, or should be.
pub struct Item {
    /// The line's number.
    pub line: u64,
    /// What it says.
    pub card: Result<Box<Provision>, Reject>,
}

/// A file of cards that is read.
pub struct Cards<'t, R> {
    lines: Lines<R>,
    template: &'t Template,
    columns: Option<Columns>,
    done: u64,
}

/// Says that a text is UTF-8; some programs put it before one.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl<'t, R: Read> Cards<'t, R> {
    /// The cards of a source; those up to the line `done` are left out.
    pub fn new(source: R, template: &'t Template, done: u64) -> Self {
        Self { lines: Lines::new(source), template, columns: None, done }
    }

    /// Counts the cards that are left.
    ///
    /// # Errors
    /// [`CardsError`].
    pub fn count(&mut self) -> Result<u64, CardsError> {
        let mut cards = 0;
        while self.next_with(|_, _, _| ())?.is_some() {
            cards += 1;
        }
        Ok(cards)
    }

    /// The next card; none at the end.
    ///
    /// # Errors
    /// [`CardsError`].
    #[allow(clippy::should_implement_trait, reason = "an error ends the reading")]
    pub fn next(&mut self) -> Result<Option<Item>, CardsError> {
        let read = self.next_with(|template, columns, text| match text {
            Some(text) => template.card(columns, text).map(Box::new),
            None => {
                let says = format!("the line has more than {LONGEST} bytes");
                Err(Reject { status: "line_too_long", says })
            }
        })?;
        Ok(read.map(|(line, card)| Item { line, card }))
    }

    /// Reads the next line that is a card, or should be.
    fn next_with<T>(
        &mut self,
        read: impl FnOnce(&Template, &Columns, Option<&[u8]>) -> T,
    ) -> Result<Option<(u64, T)>, CardsError> {
        loop {
            let Some(Line { number, text }) = self.lines.next()? else { return Ok(None) };
            let text = text.map(|text| text.strip_prefix(MARK).filter(|_| number == 1).unwrap_or(text));
            let text = text.map(<[u8]>::trim_ascii);
            if text.is_some_and(|text| text.is_empty() || text.starts_with(b"#")) {
                continue;
            }
            let columns = match &self.columns {
                Some(columns) => columns,
                None => {
                    let named = text.and_then(Columns::named).transpose();
                    let named = named.map_err(|why| CardsError::Columns { line: number, why })?;
                    let is_header = named.is_some();
                    let columns = self.columns.insert(named.unwrap_or_else(Columns::usual));
                    if is_header {
                        continue;
                    }
                    columns
                }
            };
            if number > self.done {
                return Ok(Some((number, read(self.template, columns, text))));
            }
        }
    }

    /// The SHA-256 of all that was read.
    pub fn digest(&self) -> [u8; 32] {
        self.lines.digest()
    }
}
