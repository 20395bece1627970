//! What a request's body says, whatever it is written in.
//!
//! A body is read into a tree whose texts are wiped when it is dropped, since one of them
//! may be a PAN. Every facade reads its fields from there, so that each fault of a field
//! has one name, and each API its own words for it.

mod digest;
mod field;
mod form;
mod node;

pub use digest::{Digest, digest};
pub use field::{FieldFault, Fields, Text, Why};
pub use form::{form, query};
pub use node::{BodyFault, Node, json};
