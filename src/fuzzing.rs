//! The entry points of fuzzing: each takes bytes of an attacker's choice and
//! must neither panic nor break a property. `fuzz/` calls them under libFuzzer,
//! `tests/corpus` replays its seeds on the stable toolchain.

mod anchor;
mod audit;
mod backup;
#[cfg(feature = "vault")]
mod body;
mod cards;
mod connection;
#[cfg(feature = "postgres")]
mod database;
mod emv;
mod entry;
mod keys;
mod resume;
mod store;
mod tr31;

pub use anchor::anchor;
pub use audit::audit;
pub use backup::backup;
#[cfg(feature = "vault")]
pub use body::body;
pub use cards::cards;
pub use connection::{HANDLE, answered, connection, token};
#[cfg(feature = "postgres")]
pub use database::{carried, heard_whole, server};
pub use emv::emv;
pub use entry::entry;
pub use keys::IMPORTED_KEY;
pub use resume::resume;
pub use store::{rows, store};
pub use tr31::tr31;

use crate::daemon::config::Config;
use crate::keys::{Age, Inventory, SealedKeyring, Share, WrappedImport, WrappedKey, share_text};
use crate::store::journal::{JournalBody, encode, read_marks};
use crate::wire::{
    Arrival, ControlReply, CustodyReport, Fault, Hello, Intake, Message, Opcode, Session, StatusReport,
    Welcome, decode_batch_reply, decode_message, decode_metrics, decode_reply, encode_command, encode_reply,
};

/// An entry point.
pub type Target = fn(&[u8]);

/// Every entry point by the name of its target and corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("anchor", anchor),
    ("audit", audit),
    ("backup", backup),
    #[cfg(feature = "vault")]
    ("body", body),
    ("cards", cards),
    #[cfg(feature = "postgres")]
    ("carried", carried),
    ("config", config),
    ("connection", connection),
    ("emv", emv),
    ("entry", entry),
    ("frame", frame),
    ("journal", journal),
    ("key_block", key_block),
    ("message", message),
    ("reply", reply),
    ("resume", resume),
    ("rows", rows),
    #[cfg(feature = "postgres")]
    ("server", server),
    ("share", share),
    ("store", store),
    ("tr31", tr31),
];

/// A received stream, cut into pieces of the size that the first byte says:
/// however it is cut, the same arrives.
pub fn frame(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = arrivals(stream, stream.len().max(1));
    let cut = arrivals(stream, usize::from(*size) + 1);
    assert!(whole == cut, "cutting a stream changed what arrived");
}

/// What arrives of a stream that comes in pieces, as opcodes, ids and bodies.
fn arrivals(stream: &[u8], size: usize) -> Vec<(u16, u64, Vec<u8>)> {
    let (mut intake, mut session, mut seen) = (Intake::new(1024), Session::default(), Vec::new());
    for piece in stream.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            let count = {
                let space = intake.space();
                let count = space.len().min(rest.len());
                for (slot, byte) in space.iter_mut().zip(rest) {
                    *slot = *byte;
                }
                count
            };
            intake.filled(count);
            rest = rest.get(count..).unwrap_or_default();
            loop {
                let mut arrived = Vec::new();
                let parsed = intake.arrivals(16, &mut arrived);
                if arrived.is_empty() {
                    break;
                }
                seen.extend(arrived.iter().map(|arrival| match arrival {
                    Arrival::Frame(frame) => {
                        // Whatever it says, a frame is admitted or told why not.
                        let _ = session.admit(frame);
                        (frame.opcode, frame.id, frame.body.to_vec())
                    }
                    Arrival::TooShort => (0, 0, Vec::new()),
                    Arrival::TooLarge { opcode, id } => (*opcode, *id, Vec::new()),
                }));
                intake.consume(parsed);
            }
        }
    }
    seen
}

/// The body of every request; one that is accepted is written and read again.
pub fn message(data: &[u8]) {
    let _ = Hello::decode(data);
    for opcode in Opcode::ALL {
        let (mut written, mut again) = (Vec::new(), Vec::new());
        encode_other(&mut written, *opcode, data);
        encode_other(&mut again, *opcode, &written);
        assert!(written == again, "a request changed when it was written again");
        if let Ok(Message::Engine(request)) = decode_message(*opcode, data) {
            let mut written = Vec::new();
            encode_command(&mut written, &request.command, request.idempotency);
            let mut again = Vec::new();
            if let Ok(Message::Engine(request)) = decode_message(*opcode, &written) {
                encode_command(&mut again, &request.command, request.idempotency);
            }
            assert!(written == again, "a request changed when it was written again");
        }
    }
}

/// Writes what was read of a request about custody or dual control.
fn encode_other(out: &mut Vec<u8>, opcode: Opcode, data: &[u8]) {
    match decode_message(opcode, data) {
        Ok(Message::Custody(custody)) => custody.encode(out),
        Ok(Message::Control(control)) => control.encode(out),
        _ => {}
    }
}

/// The body of every reply; one that is accepted is written and read again.
pub fn reply(data: &[u8]) {
    let (_, _, _) = (Welcome::decode(data), StatusReport::decode(data), decode_metrics(data));
    let _ = Fault::text(data);
    if let Ok(report) = CustodyReport::decode(data) {
        let mut written = Vec::new();
        report.encode(&mut written);
        assert!(CustodyReport::decode(&written) == Ok(report), "a report changed");
    }
    for opcode in Opcode::ALL.iter().filter(|opcode| opcode.is_control()) {
        if let Ok(reply) = ControlReply::decode(*opcode, data) {
            let (mut written, mut again) = (Vec::new(), Vec::new());
            reply.encode(&mut written);
            if let Ok(reply) = ControlReply::decode(*opcode, &written) {
                reply.encode(&mut again);
            }
            assert!(written == again, "a reply changed when it was written again");
        }
    }
    for opcode in Opcode::ALL {
        let _ = decode_batch_reply(*opcode, data);
        if let Ok(reply) = decode_reply(*opcode, data) {
            let (mut written, mut again) = (Vec::new(), Vec::new());
            encode_reply(&mut written, &reply);
            if let Ok(reply) = decode_reply(*opcode, &written) {
                encode_reply(&mut again, &reply);
            }
            assert!(written == again, "a reply changed when it was written again");
        }
    }
}

/// The body of a journal group, and the marks of its rows; a body that is accepted is
/// written as it was.
pub fn journal(data: &[u8]) {
    if let Ok(marks) = read_marks(data) {
        assert!(marks.count() * 6 == data.len(), "a mark was not read");
    }
    if let Ok(body) = JournalBody::decode(data) {
        let (issued, consumed): (Vec<_>, Vec<_>) = (body.issued().collect(), body.consumed().collect());
        assert!(encode(&issued, &consumed, body.standing()) == data, "a journal body changed");
    }
}

/// A key block, that of an imported key, a keyring, and the inventory of one as another node
/// tells it; what is accepted is written as it was.
pub fn key_block(data: &[u8]) {
    if let Ok(key) = WrappedKey::from_block(data) {
        assert!(key.to_block() == data, "a key block changed");
    }
    if let Ok(key) = WrappedImport::from_bytes(data) {
        assert!(key.to_bytes() == data, "the block of an imported key changed");
    }
    if let Ok(keyring) = SealedKeyring::from_bytes(data) {
        assert!(keyring.to_bytes() == data, "a keyring changed");
    }
    if let Some(inventory) = Inventory::from_bytes(data) {
        assert!(inventory.to_bytes() == data, "an inventory changed");
        assert!(inventory.age(&inventory) == Age::Same, "a keyring is older than itself");
    }
}

/// The text of a custodian's share; one that is accepted says the same when it is
/// written again. Bytes of a share's length are read as text with the right checksum too.
pub fn share(data: &[u8]) {
    let Some(region) = keys::region() else { return };
    if let Some(content) = data.first_chunk()
        && let Ok(share) = Share::parse(region, &share_text(content))
    {
        assert!(*share.text() == *share_text(content), "a share changed");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(share) = Share::parse(region, text) {
        let again = Share::parse(region, &share.text());
        assert!(again.is_ok_and(|again| *again.text() == *share.text()), "a share changed");
    }
}

/// The text of a configuration.
pub fn config(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Config::parse(text);
    }
}
