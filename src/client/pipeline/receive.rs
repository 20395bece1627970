//! Answers in.

use std::io::{ErrorKind, Read, Write};

use super::{Client, Window};
use crate::client::{Answer, ClientError};
use crate::wire::{Arrival, Frame, Opcode, Status};

impl<S: Read + Write> Client<S> {
    /// Takes the next answer, with the id of its request. Answers may come in
    /// another order than their requests.
    ///
    /// # Errors
    /// The outer result tells of the connection, the inner one of this request.
    pub fn receive(&mut self) -> Result<(u64, Result<Answer, ClientError>), ClientError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(ready);
            }
            self.check()?;
            if self.window.len() == 0 {
                return Err(ClientError::NothingUnderWay);
            }
            self.flush()?;
            if self.ready.is_empty()
                && let Err(error) = self.take_in()
                && self.ready.is_empty()
            {
                return Err(error);
            }
        }
    }

    /// Reads once and sorts what has arrived.
    pub(super) fn take_in(&mut self) -> Result<(), ClientError> {
        self.check()?;
        match self.stream.read(self.intake.space()) {
            Ok(0) => {
                self.broken = true;
                Err(ClientError::Closed)
            }
            Ok(count) => {
                self.intake.filled(count);
                let sorted = self.sort();
                self.broken = sorted.is_err();
                self.gone = matches!(sorted, Err(ClientError::GoneAway));
                sorted
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => {
                self.broken = !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                Err(error.into())
            }
        }
    }

    /// Reads until the connection ends, and says how it did. What was answered before
    /// is there for [`receive`](Self::receive).
    pub(super) fn take_in_the_rest(&mut self) -> ClientError {
        loop {
            if let Err(error) = self.take_in() {
                return error;
            }
        }
    }

    fn sort(&mut self) -> Result<(), ClientError> {
        let mut arrivals = Vec::new();
        let parsed = self.intake.arrivals(usize::MAX, &mut arrivals);
        let mut sorted = Ok(());
        for arrival in arrivals {
            let Arrival::Frame(frame) = arrival else {
                sorted = Err(ClientError::Protocol("a reply of a wrong size"));
                break;
            };
            sorted =
                take(&mut self.window, &frame, self.keeps_body).map(|answer| self.ready.push_back(answer));
            if sorted.is_err() {
                break;
            }
        }
        self.intake.consume(parsed);
        sorted
    }
}

/// Reads a reply and finds its request.
fn take(
    window: &mut Window,
    frame: &Frame<'_>,
    keeps_body: bool,
) -> Result<(u64, Result<Answer, ClientError>), ClientError> {
    if frame.id == 0 && frame.status == Status::GoingAway.code() {
        return Err(ClientError::GoneAway);
    }
    // Id 0 is the daemon's own. Who is refused at the door is told so before it
    // asks; later it means that our frames cannot be told apart any more.
    if frame.id == 0 && window.oldest() != Some(Opcode::Hello) {
        return Err(match Answer::read(Opcode::Ping, frame) {
            Err(refused) => refused,
            Ok(_) => ClientError::Protocol("an answer that nothing waits for"),
        });
    }
    let id = if frame.id == 0 { 1 } else { frame.id };
    let opcode = window.answered(id).ok_or(ClientError::Protocol("an answer that nothing waits for"))?;
    if frame.opcode != opcode.number() {
        return Err(ClientError::Protocol("an answer to another operation"));
    }
    Ok((id, if keeps_body { Answer::keep(frame) } else { Answer::read(opcode, frame) }))
}
