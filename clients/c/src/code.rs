//! What a call returns: 0, a status of the wire, or a code of the library's own.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::io::ErrorKind;
use std::sync::OnceLock;

use tallystick::client::ClientError;
use tallystick::wire::Status;

/// A code as C has it.
pub type Code = i32;

/// Done.
pub const TALLY_OK: i32 = 0;
/// An argument is a null pointer, a text that is not UTF-8, a number out of its range, or of
/// a length that nothing has. Nothing was sent.
pub const TALLY_ARGUMENT: i32 = 0x10001;
/// The connection could not be made, or is over. Whether the request was done is not known,
/// unless this client failed before: ask again, on another client, with the same idempotency
/// key.
pub const TALLY_CONNECTION_LOST: i32 = 0x10002;
/// No answer came in time. The connection is given up; the outcome is not known.
pub const TALLY_TIMED_OUT: i32 = 0x10003;
/// The daemon sent what the protocol does not allow. The connection is given up; the outcome
/// is not known.
pub const TALLY_PROTOCOL: i32 = 0x10004;
/// The request does not fit the largest frame agreed on. Nothing was sent.
pub const TALLY_TOO_LARGE: i32 = 0x10005;
/// A fault of this library. The client is of no more use; the outcome is not known.
pub const TALLY_INTERNAL: i32 = 0x10006;
/// The daemon refused with a status newer than this library.
pub const TALLY_UNKNOWN_STATUS: i32 = 0x10007;

/// The library's own codes: number, name, meaning.
pub const OWN: [(Code, &str, &str); 7] = [
    (TALLY_ARGUMENT, "argument", "an argument is null, not UTF-8, or out of its range"),
    (TALLY_CONNECTION_LOST, "connection_lost", "the connection is over"),
    (TALLY_TIMED_OUT, "timed_out", "no answer came in time"),
    (TALLY_PROTOCOL, "protocol", "the daemon broke the protocol"),
    (TALLY_TOO_LARGE, "too_large", "the request does not fit the largest frame"),
    (TALLY_INTERNAL, "internal", "a fault of the client"),
    (TALLY_UNKNOWN_STATUS, "unknown_status", "the daemon refused with a status that is not known"),
];

/// A status of the wire.
#[must_use]
pub fn of_status(status: Status) -> Code {
    Code::from(status.code())
}

/// A fault of the client's.
#[must_use]
pub fn of_error(error: &ClientError) -> Code {
    match error {
        ClientError::Refused(status, _) => of_status(*status),
        ClientError::UnknownStatus(_) => TALLY_UNKNOWN_STATUS,
        ClientError::Io(io) if matches!(io.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            TALLY_TIMED_OUT
        }
        ClientError::GoneAway => of_status(Status::GoingAway),
        ClientError::Io(_)
        | ClientError::Closed
        | ClientError::Broken
        | ClientError::Unknown
        | ClientError::Away(_) => TALLY_CONNECTION_LOST,
        ClientError::Protocol(_) | ClientError::Body(_) => TALLY_PROTOCOL,
        ClientError::Request(fault) if fault.status == Status::FrameTooLarge => TALLY_TOO_LARGE,
        ClientError::Request(fault) => of_status(fault.status),
        ClientError::Full | ClientError::UnderWay | ClientError::NothingUnderWay => TALLY_INTERNAL,
    }
}

/// Whether the client is of no more use after this.
#[must_use]
pub fn is_final(code: Code) -> bool {
    // Who says goodbye has closed its end.
    let is_goodbye = code == of_status(Status::GoingAway);
    is_goodbye || matches!(code, TALLY_CONNECTION_LOST | TALLY_TIMED_OUT | TALLY_PROTOCOL | TALLY_INTERNAL)
}

/// A code's name, as `docs/WIRE.md` has those of the wire; `unknown` for others.
#[must_use]
pub fn name(code: Code) -> &'static CStr {
    texts().get(&code).map_or(c"unknown", |(name, _)| name)
}

/// What a code means, for people.
#[must_use]
pub fn says(code: Code) -> &'static CStr {
    texts().get(&code).map_or(c"a code that is not known", |(_, says)| says)
}

fn texts() -> &'static BTreeMap<Code, (CString, CString)> {
    static TEXTS: OnceLock<BTreeMap<Code, (CString, CString)>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let wire = Status::ALL.iter().map(|status| (of_status(*status), status.name(), status.says()));
        // None of them has a zero byte.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        wire.chain(OWN).map(|(code, name, says)| (code, (text(name), text(says)))).collect()
    })
}
