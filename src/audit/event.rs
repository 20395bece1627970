//! What a record says. Names and counts only: no PAN, key or cryptogram has a
//! field here, and tokens are masked before they come here.

use minicbor::{Decode, Encode};

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// A daemon has opened the database and will serve.
    #[n(1)]
    Started(#[n(0)] Started),
    /// It has stopped in order: everything before it is here.
    #[n(2)]
    Stopped(#[n(0)] Stand),
    /// Transaction groups that have become durable, each by its MAC.
    #[n(3)]
    Groups(#[n(0)] Groups),
    /// Groups that came while the log could not be written for long: the MAC of the
    /// last covers them all.
    #[n(4)]
    Covered(#[n(0)] Covered),
    /// An operation that was done.
    #[n(5)]
    Done(#[n(0)] Operation),
    /// An operation that was refused.
    #[n(6)]
    Refused(#[n(0)] Operation),
    /// Operations of one kind that are counted, not listed.
    #[n(7)]
    Counted(#[n(0)] Count),
    /// Something was done while no daemon ran.
    #[n(8)]
    AtRest(#[n(0)] AtRest),
    /// The chain begins anew: somebody with the keys accepted that the log before
    /// was damaged.
    #[n(9)]
    Accepted(#[n(0)] Accepted),
}

/// Where the database stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Stand {
    /// The daemon's epoch.
    #[n(0)]
    pub epoch: u64,
    /// The newest durable group.
    #[n(1)]
    pub group: u64,
    /// Its MAC.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub mac: [u8; 32],
}

/// A start.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Started {
    /// Name and version of the daemon.
    #[n(0)]
    pub server: String,
    /// What the database held.
    #[n(1)]
    pub stand: Stand,
    /// The daemon before did not stop in order. Its last groups, up to where the
    /// database stands, are covered by that group's MAC; refusals of its last second
    /// may not be here.
    #[n(2)]
    pub after_crash: bool,
    /// Bytes behind the last whole record, which a crash left and this start removed.
    #[n(3)]
    pub dropped: u64,
}

/// Groups by their MACs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Groups {
    /// The epoch that wrote them.
    #[n(0)]
    pub epoch: u64,
    /// The number of the first.
    #[n(1)]
    pub first: u64,
    /// 32 bytes for each, in order.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub macs: Vec<u8>,
}

/// Groups by the MAC of the last.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Covered {
    /// The epoch that wrote them.
    #[n(0)]
    pub epoch: u64,
    /// The first.
    #[n(1)]
    pub first: u64,
    /// The last.
    #[n(2)]
    pub last: u64,
    /// The MAC of the last, which covers those before.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub mac: [u8; 32],
}

/// Who asked for what, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Operation {
    /// The caller's configured name, or the user and group of one without.
    #[n(0)]
    pub caller: String,
    /// The operation's name.
    #[n(1)]
    pub operation: String,
    /// The name of the status that it was answered with.
    #[n(2)]
    pub status: String,
    /// What it was about: a masked token.
    #[n(3)]
    pub subject: Option<String>,
}

/// How often something happened since the last such record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Count {
    /// The caller, or `others` when there were too many kinds to count apart.
    #[n(0)]
    pub caller: String,
    /// The operation's name, or `others`.
    #[n(1)]
    pub operation: String,
    /// The status, or `others`.
    #[n(2)]
    pub status: String,
    /// How often.
    #[n(3)]
    pub count: u64,
}

/// Something done by a command line while no daemon ran.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AtRest {
    /// The user id that it ran as.
    #[n(0)]
    pub uid: u32,
    /// What was done.
    #[n(1)]
    pub operation: String,
    /// What changed by it.
    #[n(2)]
    pub detail: String,
}

/// A break of the chain that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {
    /// The user id of who did.
    #[n(0)]
    pub uid: u32,
    /// The last good record found.
    #[n(1)]
    pub found: u64,
    /// The record that the head remembered.
    #[n(2)]
    pub head: u64,
    /// What was wrong.
    #[n(3)]
    pub reason: String,
}

impl Event {
    /// The kind, as exports name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Stopped(_) => "stopped",
            Self::Groups(_) => "groups",
            Self::Covered(_) => "covered",
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Counted(_) => "counted",
            Self::AtRest(_) => "at_rest",
            Self::Accepted(_) => "accepted",
        }
    }

    /// Whether a log that ends with it ended in order; none if what stands before it
    /// says so.
    #[must_use]
    pub const fn is_an_end(&self) -> Option<bool> {
        match self {
            Self::Stopped(_) => Some(true),
            Self::AtRest(_) | Self::Accepted(_) => None,
            _ => Some(false),
        }
    }

    /// Appends the bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = minicbor::encode(self, &mut *out);
    }

    /// Reads what `encode` wrote, and nothing else. None for what is
    /// not known here, for example of a newer version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let event: Self = minicbor::decode(bytes).ok()?;
        let mut again = Vec::with_capacity(bytes.len());
        event.encode(&mut again);
        (again == bytes).then_some(event)
    }
}
