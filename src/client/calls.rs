//! One operation, one answer: nothing else may be under way meanwhile.

use std::io::{Read, Write};

use super::{Answer, Client, ClientError};
use crate::command::{
    ChangeStatus, Command, Detokenized, EmvArpc, EmvCard, EmvIssue, EmvIssued, EmvVerified, EmvVerify, Issue,
    IssueShort, Issued, IssuedShort, LinkPar, List, MakeCardValue, Page, Provision, Renew, Reply, Reseal,
    Resealed, TokenView, Verified, Verify, VerifyCardValue, VerifyShort,
};
use crate::types::emv::Arpc;
use crate::types::{CardValue, Fingerprint, IdempotencyKey, Pan, Par, TokenNumber};
use crate::wire::{BackupBegun, Opcode, StatusReport};

type Key<'k> = Option<IdempotencyKey<'k>>;

const OTHER: ClientError = ClientError::Protocol("another reply than asked for");

impl<S: Read + Write> Client<S> {
    /// Asks the engine and waits for its answer. The command can be asked again,
    /// which with an idempotency key is never done twice.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the daemon's status;
    /// [`ClientError::UnderWay`], or why there is no answer.
    pub fn call(&mut self, command: &Command<'_>, key: Key<'_>) -> Result<Reply, ClientError> {
        self.alone()?;
        self.submit(command, key)?;
        if let Answer::Reply(reply) = self.only_answer()? { Ok(reply) } else { Err(OTHER) }
    }

    /// Saves a card.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn provision(&mut self, card: Provision, key: Key<'_>) -> Result<TokenView, ClientError> {
        self.token(&Command::Provision(Box::new(card)), key)
    }

    /// Shows a token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn show(&mut self, token: TokenNumber) -> Result<TokenView, ClientError> {
        self.token(&Command::Show(token), None)
    }

    /// Lists a requestor's tokens, a page at a time.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn list(&mut self, list: List) -> Result<Page, ClientError> {
        if let Reply::Page(page) = self.call(&Command::List(list), None)? { Ok(page) } else { Err(OTHER) }
    }

    /// Suspends, resumes or deactivates a token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn change_status(&mut self, change: ChangeStatus, key: Key<'_>) -> Result<TokenView, ClientError> {
        self.token(&Command::ChangeStatus(change), key)
    }

    /// Gives a token a new expiry.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn renew(&mut self, renew: Renew, key: Key<'_>) -> Result<TokenView, ClientError> {
        self.token(&Command::Renew(renew), key)
    }

    /// Links a PAN to its predecessor's PAR.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn link_par(&mut self, link: LinkPar, key: Key<'_>) -> Result<Par, ClientError> {
        if let Reply::Par(par) = self.call(&Command::LinkPar(link), key)? { Ok(par) } else { Err(OTHER) }
    }

    /// Reads a token's PAN.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn detokenize(&mut self, token: TokenNumber) -> Result<Detokenized, ClientError> {
        let reply = self.call(&Command::Detokenize(token), None)?;
        if let Reply::Detokenized(card) = reply { Ok(card) } else { Err(OTHER) }
    }

    /// The PAR of a PAN.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn par(&mut self, pan: Pan) -> Result<Par, ClientError> {
        if let Reply::Par(par) = self.call(&Command::Par(pan), None)? { Ok(par) } else { Err(OTHER) }
    }

    /// The fingerprint of a PAN.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn fingerprint(&mut self, pan: Pan) -> Result<Fingerprint, ClientError> {
        let reply = self.call(&Command::Fingerprint(pan), None)?;
        if let Reply::Fingerprint(fingerprint) = reply { Ok(fingerprint) } else { Err(OTHER) }
    }

    /// Issues a cryptogram.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn issue(&mut self, issue: Issue<'_>, key: Key<'_>) -> Result<Issued, ClientError> {
        if let Reply::Issued(issued) = self.call(&Command::Issue(issue), key)? {
            Ok(issued)
        } else {
            Err(OTHER)
        }
    }

    /// Verifies a cryptogram and consumes it.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn verify(&mut self, verify: Verify<'_>, key: Key<'_>) -> Result<Verified, ClientError> {
        self.verified(&Command::Verify(verify), key)
    }

    /// Issues a dynamic verification value.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn issue_short(&mut self, issue: Issue<'_>, key: Key<'_>) -> Result<IssuedShort, ClientError> {
        let reply = self.call(&Command::IssueShort(IssueShort(issue)), key)?;
        if let Reply::IssuedShort(issued) = reply { Ok(issued) } else { Err(OTHER) }
    }

    /// Verifies a dynamic verification value and consumes it.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn verify_short(&mut self, verify: VerifyShort<'_>, key: Key<'_>) -> Result<Verified, ClientError> {
        self.verified(&Command::VerifyShort(verify), key)
    }

    /// Issues an application cryptogram under a card's next counter.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn emv_issue(&mut self, card: EmvCard, key: Key<'_>) -> Result<EmvIssued, ClientError> {
        let reply = self.call(&Command::EmvIssue(Box::new(EmvIssue(card))), key)?;
        if let Reply::EmvIssued(issued) = reply { Ok(issued) } else { Err(OTHER) }
    }

    /// Verifies an application cryptogram and consumes its counter.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn emv_verify(&mut self, verify: EmvVerify, key: Key<'_>) -> Result<EmvVerified, ClientError> {
        let reply = self.call(&Command::EmvVerify(Box::new(verify)), key)?;
        if let Reply::EmvVerified(verified) = reply { Ok(verified) } else { Err(OTHER) }
    }

    /// The answer to an application cryptogram that is right and whose counter is consumed
    /// elsewhere.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn emv_arpc(&mut self, asked: EmvArpc) -> Result<Arpc, ClientError> {
        let reply = self.call(&Command::EmvArpc(Box::new(asked)), None)?;
        if let Reply::Arpc(arpc) = reply { Ok(arpc) } else { Err(OTHER) }
    }

    /// Makes a card verification value.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn make_card_value(&mut self, of: MakeCardValue) -> Result<CardValue, ClientError> {
        let reply = self.call(&Command::MakeCardValue(Box::new(of)), None)?;
        if let Reply::CardValue(value) = reply { Ok(value) } else { Err(OTHER) }
    }

    /// Verifies a card verification value; a wrong one is an error.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn verify_card_value(&mut self, verify: VerifyCardValue, key: Key<'_>) -> Result<(), ClientError> {
        let reply = self.call(&Command::VerifyCardValue(Box::new(verify)), key)?;
        if let Reply::CardValueVerified = reply { Ok(()) } else { Err(OTHER) }
    }

    /// Clears the lock on a token's dynamic verification values; on the admin
    /// socket only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn clear_short_lock(&mut self, token: TokenNumber, key: Key<'_>) -> Result<TokenView, ClientError> {
        self.token(&Command::ClearShortLock(token), key)
    }

    /// Looks at some rows and re-seals their PANs under the active key; on the
    /// admin socket only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn reseal(&mut self, reseal: Reseal, key: Key<'_>) -> Result<Resealed, ClientError> {
        let reply = self.call(&Command::Reseal(reseal), key)?;
        if let Reply::Resealed(resealed) = reply { Ok(resealed) } else { Err(OTHER) }
    }

    /// Does nothing but go there and back.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn ping(&mut self) -> Result<(), ClientError> {
        if let Answer::Pong = self.ask(Opcode::Ping)? { Ok(()) } else { Err(OTHER) }
    }

    /// What the daemon is and how it is; on the admin socket only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn status(&mut self) -> Result<StatusReport, ClientError> {
        if let Answer::Status(report) = self.ask(Opcode::Status)? { Ok(*report) } else { Err(OTHER) }
    }

    /// Metrics in the OpenMetrics text format; on the admin socket only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn metrics(&mut self) -> Result<String, ClientError> {
        if let Answer::Metrics(text) = self.ask(Opcode::Metrics)? { Ok(text) } else { Err(OTHER) }
    }

    /// Begins a backup of everything that is durable by now; on the admin socket only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn backup_begin(&mut self) -> Result<BackupBegun, ClientError> {
        if let Answer::Backup(begun) = self.ask(Opcode::BackupBegin)? { Ok(begun) } else { Err(OTHER) }
    }

    /// The next piece of the backup that was begun on this connection; none at its end.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn backup_next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        if let Answer::Piece(piece) = self.ask(Opcode::BackupNext)? { Ok(piece) } else { Err(OTHER) }
    }

    /// Asks something that answers with a token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn token(&mut self, command: &Command<'_>, key: Key<'_>) -> Result<TokenView, ClientError> {
        if let Reply::Token(view) = self.call(command, key)? { Ok(*view) } else { Err(OTHER) }
    }

    fn verified(&mut self, command: &Command<'_>, key: Key<'_>) -> Result<Verified, ClientError> {
        if let Reply::Verified(verified) = self.call(command, key)? { Ok(verified) } else { Err(OTHER) }
    }

    fn ask(&mut self, opcode: Opcode) -> Result<Answer, ClientError> {
        self.alone()?;
        self.submit_empty(opcode)?;
        self.only_answer()
    }

    pub(super) fn alone(&self) -> Result<(), ClientError> {
        if self.under_way() == 0 { Ok(()) } else { Err(ClientError::UnderWay) }
    }

    /// The answer to the only request under way.
    pub(super) fn only_answer(&mut self) -> Result<Answer, ClientError> {
        self.receive()?.1
    }
}
