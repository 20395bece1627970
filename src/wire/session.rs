//! What a connection must keep in order: HELLO first and once, growing ids.

use super::{Frame, Opcode, Status};

/// The order of one connection's requests.
#[derive(Debug, Default)]
pub struct Session {
    greeted: bool,
    last: u64,
}

impl Session {
    /// Checks a request's flags, id, opcode and place.
    ///
    /// # Errors
    /// [`Status::ReservedBits`], [`Status::DuplicateRequestId`],
    /// [`Status::RequestOutOfOrder`], [`Status::UnknownOpcode`],
    /// [`Status::HelloExpected`] or [`Status::HelloRepeated`].
    pub fn admit(&mut self, frame: &Frame<'_>) -> Result<Opcode, Status> {
        // Id 0 is the daemon's own, for what it answers without knowing an id.
        if frame.id < self.last || frame.id == 0 {
            return Err(Status::RequestOutOfOrder);
        }
        if frame.id == self.last {
            return Err(Status::DuplicateRequestId);
        }
        self.last = frame.id;
        if frame.status != 0 {
            return Err(Status::ReservedBits);
        }
        let opcode = Opcode::from_number(frame.opcode).ok_or(Status::UnknownOpcode)?;
        match (opcode, self.greeted) {
            (Opcode::Hello, true) => Err(Status::HelloRepeated),
            (Opcode::Hello, false) | (_, true) => Ok(opcode),
            (_, false) => Err(Status::HelloExpected),
        }
    }

    /// Says that HELLO was answered with WELCOME.
    pub const fn greet(&mut self) {
        self.greeted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(session: &mut Session, opcode: u16, flags: u16, id: u64) -> Result<Opcode, Status> {
        session.admit(&Frame { opcode, status: flags, id, body: &[] })
    }

    #[test]
    fn every_disorder_has_its_status_and_the_session_goes_on() {
        let mut session = Session::default();
        assert_eq!(ask(&mut session, 1, 0, 0), Err(Status::RequestOutOfOrder));
        assert_eq!(ask(&mut session, 2, 0, 1), Err(Status::HelloExpected));
        assert_eq!(ask(&mut session, 1, 0, 2), Ok(Opcode::Hello));
        session.greet();
        assert_eq!(ask(&mut session, 1, 0, 3), Err(Status::HelloRepeated));
        assert_eq!(ask(&mut session, 2, 0, 10), Ok(Opcode::Ping));
        assert_eq!(ask(&mut session, 2, 0, 10), Err(Status::DuplicateRequestId));
        assert_eq!(ask(&mut session, 2, 0, 9), Err(Status::RequestOutOfOrder));
        for bit in 0..16 {
            assert_eq!(ask(&mut session, 2, 1 << bit, 11 + bit), Err(Status::ReservedBits));
        }
        assert_eq!(ask(&mut session, 0x7777, 0, 40), Err(Status::UnknownOpcode));
        assert_eq!(ask(&mut session, 2, 0, 41), Ok(Opcode::Ping));
    }
}
