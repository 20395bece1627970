//! A file of cards, card by card.

use std::fs::File;
use std::path::Path;

use super::card::{Columns, Reject, Template};
use super::lines::{LONGEST, Line, Lines};
use crate::output::Failure;
use tallystick::command::Command;

/// A line that is a card, or should be.
pub struct Item {
    /// The line's number.
    pub line: u64,
    /// What is to be asked for it.
    pub card: Result<Command<'static>, Reject>,
}

/// What was found in a file before anything is asked.
pub struct Survey {
    /// Lines that are cards, or should be.
    pub cards: u64,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// A file of cards that is read.
pub struct Source<'t> {
    lines: Lines<File>,
    template: &'t Template,
    columns: Option<Columns>,
    name: String,
    done: u64,
}

/// Says that a text is UTF-8; some programs put it before one.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl<'t> Source<'t> {
    /// Opens a file; the cards up to the line `done` are left out.
    pub fn open(path: &Path, template: &'t Template, done: u64) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let told = |error| Failure::new(format!("{name}: {error}"));
        let file = File::open(path).map_err(told)?;
        // It is read twice, so it can be no pipe.
        if !file.metadata().map_err(told)?.is_file() {
            return Err(Failure::new(format!("{name} is not a file")));
        }
        Ok(Self { lines: Lines::new(file), template, columns: None, name, done })
    }

    /// Reads a file through and counts.
    pub fn survey(path: &Path, template: &'t Template) -> Result<Survey, Failure> {
        let mut source = Self::open(path, template, 0)?;
        let mut cards = 0;
        while source.next_with(|_, _, _| ())?.is_some() {
            cards += 1;
        }
        Ok(Survey { cards, digest: source.lines.digest() })
    }

    /// The next card; none at the end.
    pub fn next(&mut self) -> Result<Option<Item>, Failure> {
        let read = self.next_with(|template, columns, text| match text {
            Some(text) => template.card(columns, text).map(|card| Command::Provision(Box::new(card))),
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
    ) -> Result<Option<(u64, T)>, Failure> {
        loop {
            let line = self.lines.next().map_err(|error| Failure::new(format!("{}: {error}", self.name)))?;
            let Some(Line { number, text }) = line else { return Ok(None) };
            let text = text.map(|text| text.strip_prefix(MARK).filter(|_| number == 1).unwrap_or(text));
            let text = text.map(<[u8]>::trim_ascii);
            if text.is_some_and(|text| text.is_empty() || text.starts_with(b"#")) {
                continue;
            }
            let columns = match &self.columns {
                Some(columns) => columns,
                None => {
                    let named = text.and_then(Columns::named).transpose();
                    let place = |says| format!("{}, line {number}: {says}", self.name);
                    let named = named.map_err(|error| error.reworded(place))?;
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
