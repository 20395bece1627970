//! The file of cards that a job saves.

use std::fs::File;
use std::path::Path;

use tallystick::cards::{Cards, CardsError, Item, Template};
use tallystick::types::AuthReference;

use crate::arguments::Provision;
use crate::ask::trid;
use crate::cards::{consent, domain, providers, reference};
use crate::output::Failure;

/// What was found in a file before anything is asked.
pub struct Survey {
    /// Lines that are cards, or should be.
    pub cards: u64,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// A file of cards that is read.
pub struct Source<'t> {
    cards: Cards<'t, File>,
    name: String,
}

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
        Ok(Self { cards: Cards::new(file, template, done), name })
    }

    /// Reads a file through and counts.
    pub fn survey(path: &Path, template: &'t Template) -> Result<Survey, Failure> {
        let mut source = Self::open(path, template, 0)?;
        let cards = source.cards.count().map_err(|error| source.told(&error))?;
        Ok(Survey { cards, digest: source.digest() })
    }

    /// The next card; none at the end.
    pub fn next(&mut self) -> Result<Option<Item>, Failure> {
        self.cards.next().map_err(|error| self.told(&error))
    }

    fn told(&self, error: &CardsError) -> Failure {
        let joint = if matches!(error, CardsError::Columns { .. }) { "," } else { ":" };
        Failure::new(format!("{}{joint} {error}", self.name))
    }

    /// The SHA-256 of all that was read.
    pub fn digest(&self) -> [u8; 32] {
        self.cards.digest()
    }
}

/// What the command line says of all cards.
pub fn template(arguments: &Provision) -> Result<Template, Failure> {
    consent(arguments)?;
    let given = |text: &str| (!text.is_empty()).then(|| reference(text)).transpose();
    Ok(Template {
        trid: trid(&arguments.trid)?,
        auth_provider: reference(&arguments.auth_provider)?,
        auth_reference: given(&arguments.auth_reference)?,
        auth_number: arguments.auth_number.as_deref().map(AuthReference::parse).transpose()?,
        domain: domain(arguments)?,
        providers: providers(arguments)?,
    })
}
