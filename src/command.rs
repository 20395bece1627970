//! The vocabulary between a caller and the engine: what may be asked, what may
//! be answered, and why it may be refused. Plain validated values; the wire
//! encodes them and the engine executes them.

mod caller;
mod entry;
mod field;
mod refusal;
mod reply;
mod request;

pub use caller::{Caller, Role, Roles};
pub use entry::{CardSource, EnterCard, EnteredCard, HeldCard, HoldCard, OpenEntry, OpenedEntry};
pub use field::{EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify, MakeCardValue, VerifyCardValue};
pub use refusal::Refusal;
pub use reply::{
    Detokenized, EmvIssued, EmvVerified, Issued, IssuedShort, Page, Reply, Resealed, TokenView, Verified,
};
pub use request::{
    ChangeStatus, Command, Issue, IssueShort, LinkPar, List, Operation, Provision, Renew, Request, Reseal,
    Verify, VerifyShort,
};
