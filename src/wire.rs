//! The wire: frames and messages, without sockets. `docs/WIRE.md` is the
//! contract; its hex examples are tests.

mod batch;
mod cbor;
mod cold;
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

pub use batch::{BatchAnswers, MAX_BATCH, encode_batch};
pub use fault::Fault;
pub use frame::{Frame, FrameWriter, HEADER, LENGTH};
pub use handshake::{Hello, PROTOCOL, Welcome};
pub use intake::{Arrival, Intake, Parsed};
pub use message::{Message, decode_message, encode_command};
pub use opcode::Opcode;
pub use reply::{decode_reply, encode_reply};
pub use report::{KeyReport, StatusReport, decode_metrics, encode_metrics};
pub use session::Session;
pub use status::Status;

/// Bytes of the largest frame unless agreed otherwise, length field included.
pub const DEFAULT_FRAME: u32 = 65_536;
/// Most requests of a connection that are handled together, unless agreed otherwise.
pub const DEFAULT_IN_FLIGHT: u32 = 1024;
