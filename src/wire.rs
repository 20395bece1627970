//! The wire: frames and messages, without sockets. `docs/WIRE.md` is the
//! contract; its hex examples are tests.
//!
//! Whatever is received goes through an [`Intake`], which gives whole frames,
//! and a [`Session`], which keeps their order; [`decode_message`] makes a frame's
//! body a [`Message`] that borrows from it. Whatever is sent is appended to a
//! buffer that is used again, frame by frame, by a [`FrameWriter`]. Issuing and
//! verifying allocate nothing on either way.
//!
//! A body may hold a PAN. So no type here shows one in its `Debug`, a [`Fault`]
//! carries a status and the name of a field and never content, the intake wipes
//! what is consumed, and buffers are wiped before they grow ([`append`]).

mod backup;
mod batch;
mod buffer;
mod cbor;
mod cold;
mod control;
mod custody;
mod fault;
mod frame;
mod handshake;
mod hot;
mod intake;
mod message;
mod opcode;
mod reply;
mod report;
mod session;
mod status;

pub use backup::{BackupBegun, decode_backup_piece, encode_backup_piece};
pub use batch::{
    MAX_BATCH, begin_batch_reply, decode_batch_reply, encode_batch_item, encode_issue_batch,
    encode_verify_batch,
};
pub use buffer::{append, cut, reserve, wipe};
pub use control::{Component, Control, ControlReply, Digest, Export, ProposalReport, Wanted};
pub use custody::{Custody, CustodyReport, Opener};
pub use fault::Fault;
pub use frame::{Frame, FrameWriter, HEADER, LENGTH};
pub use handshake::{Hello, LEAST_FRAME, PROTOCOL, Welcome};
pub use intake::{Arrival, Intake, Parsed};
pub use message::{Message, decode_message, encode_command};
pub use opcode::Opcode;
pub use reply::{decode_reply, encode_reply};
pub use report::{ImportedReport, KeyReport, StatusReport, decode_metrics, encode_metrics};
pub use session::Session;
pub use status::Status;

/// Bytes of the largest frame unless agreed otherwise, length field included.
pub const DEFAULT_FRAME: u32 = 65_536;
/// Most requests of a connection that are handled together, unless agreed otherwise.
pub const DEFAULT_IN_FLIGHT: u32 = 1024;
