//! The client: blocking, pipelining, over any stream. A vault reaches the engine
//! through this or through any other program that keeps `docs/WIRE.md`.
//!
//! ```no_run
//! # use tallystick::{client::{Client, ClientError}, types::TokenNumber};
//! # fn main() -> Result<(), ClientError> {
//! let mut client = Client::connect("/run/tallystick/tallyd.sock".as_ref(), "vault")?;
//! # let Ok(token) = TokenNumber::parse(b"4000001234567890") else { return Ok(()) };
//! println!("{}", client.show(token)?.providers.overall().name());
//! # Ok(())
//! # }
//! ```
//!
//! One method an operation waits for its answer. To have many requests under
//! way, [`submit`](Client::submit) them and [`receive`](Client::receive) the
//! answers. [`Reconnecting`] goes on with the next daemon when one is replaced.

mod answer;
mod batches;
mod calls;
mod connect;
mod control;
mod custody;
mod entry;
mod error;
mod pipeline;
mod raw;
mod reconnecting;
mod window;

pub use answer::Answer;
pub use error::ClientError;
pub use pipeline::Client;
pub use reconnecting::Reconnecting;
