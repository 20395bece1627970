//! Held cards and payment sessions' keys.

use std::io::{Read, Write};

use super::{Client, ClientError};
use crate::command::{Command, EnterCard, EnteredCard, HeldCard, HoldCard, OpenEntry, OpenedEntry, Reply};
use crate::types::{CardHandle, EntrySession};

const OTHER: ClientError = ClientError::Protocol("another reply than asked for");

impl<S: Read + Write> Client<S> {
    /// Has a card held in the daemon's memory, for this peer only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn hold_card(&mut self, hold: HoldCard) -> Result<HeldCard, ClientError> {
        let reply = self.call(&Command::HoldCard(Box::new(hold)), None)?;
        if let Reply::CardHeld(held) = reply { Ok(*held) } else { Err(OTHER) }
    }

    /// Has a held card forgotten.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn release_card(&mut self, handle: CardHandle) -> Result<(), ClientError> {
        let reply = self.call(&Command::ReleaseCard(handle), None)?;
        if let Reply::CardReleased = reply { Ok(()) } else { Err(OTHER) }
    }

    /// Has a payment session's key made.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn open_entry(&mut self, open: OpenEntry) -> Result<OpenedEntry, ClientError> {
        let reply = self.call(&Command::OpenEntry(open), None)?;
        if let Reply::EntryOpened(opened) = reply { Ok(*opened) } else { Err(OTHER) }
    }

    /// Hands in a card that was encrypted under a payment session's key. The session
    /// ends with it, so it cannot be asked again.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn enter_card(&mut self, enter: EnterCard<'_>) -> Result<EnteredCard, ClientError> {
        let reply = self.call(&Command::EnterCard(enter), None)?;
        if let Reply::CardEntered(entered) = reply { Ok(*entered) } else { Err(OTHER) }
    }

    /// Ends a payment session's key.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn close_entry(&mut self, session: EntrySession) -> Result<(), ClientError> {
        let reply = self.call(&Command::CloseEntry(session), None)?;
        if let Reply::EntryClosed = reply { Ok(()) } else { Err(OTHER) }
    }
}
