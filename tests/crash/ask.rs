//! What is asked. A request holds all of itself, so that it can be asked again
//! with the same bytes, or with others under the same idempotency key.

use std::fmt;

use tallystick::command::{ChangeStatus, Command, Issue, IssueShort, Verify, VerifyShort};
use tallystick::types::{Cryptogram, ShortValue, StatusEvent};

use crate::wallet::{Card, Token};

/// Minor units that every short value is for: values of one token can then be
/// told apart by their digits alone.
const SHORT_UNITS: u64 = 700;

/// The digits of a dynamic verification value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits {
    value: u16,
    count: usize,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Issue {
        token: Token,
        units: u64,
    },
    Verify {
        token: Token,
        units: u64,
        cryptogram: Cryptogram,
    },
    IssueShort {
        token: Token,
        more: u64,
    },
    VerifyShort {
        token: Token,
        value: Digits,
    },
    Provision {
        card: Card,
        reference: u64,
    },
    /// Suspend, or resume.
    Change {
        token: Token,
        active: bool,
    },
    Show {
        token: Token,
    },
    Detokenize {
        token: Token,
    },
    ClearShortLock {
        token: Token,
    },
}

impl Ask {
    /// The command that goes over the wire.
    pub fn command(&self) -> Command<'static> {
        let issue = |token: Token, units| Issue {
            token: token.number,
            trid: token.trid,
            transaction: token.card.payment(units),
        };
        match *self {
            Self::Issue { token, units } => Command::Issue(issue(token, units)),
            Self::Verify { token, units, cryptogram } => Command::Verify(verify(token, units, cryptogram)),
            Self::IssueShort { token, more } => {
                Command::IssueShort(IssueShort(issue(token, SHORT_UNITS + more)))
            }
            Self::VerifyShort { token, value } => Command::VerifyShort(VerifyShort {
                token: token.number,
                expiry: token.expiry,
                trid: token.trid,
                transaction: token.card.payment(SHORT_UNITS),
                value: value.short_value(),
            }),
            Self::Provision { card, reference } => Command::Provision(Box::new(card.provision(reference))),
            Self::Change { token, active } => {
                let event = if active { StatusEvent::Resume } else { StatusEvent::Suspend };
                Command::ChangeStatus(ChangeStatus { token: token.number, provider: None, event })
            }
            Self::Show { token } => Command::Show(token.number),
            Self::Detokenize { token } => Command::Detokenize(token.number),
            Self::ClearShortLock { token } => Command::ClearShortLock(token.number),
        }
    }

    /// The token that it is about.
    pub const fn token(&self) -> Option<Token> {
        match *self {
            Self::Issue { token, .. }
            | Self::Verify { token, .. }
            | Self::IssueShort { token, .. }
            | Self::VerifyShort { token, .. }
            | Self::Change { token, .. }
            | Self::Show { token }
            | Self::Detokenize { token }
            | Self::ClearShortLock { token } => Some(token),
            Self::Provision { .. } => None,
        }
    }

    /// Another request of the same operation, for the same idempotency key.
    pub const fn another(&self) -> Self {
        match *self {
            Self::Issue { token, units } => Self::Issue { token, units: units + 1 },
            Self::Verify { token, units, cryptogram } => Self::Verify { token, units: units + 1, cryptogram },
            Self::IssueShort { token, more } => Self::IssueShort { token, more: more + 1 },
            Self::Provision { card, reference } => Self::Provision { card, reference: reference + 1 },
            Self::Change { token, active } => Self::Change { token, active: !active },
            other => other,
        }
    }
}

/// The verification of a cryptogram, as batches take it.
pub fn verify(token: Token, units: u64, cryptogram: Cryptogram) -> Verify<'static> {
    let transaction = token.card.payment(units);
    Verify { token: token.number, expiry: token.expiry, trid: token.trid, transaction, cryptogram }
}

impl Digits {
    pub fn of(value: &ShortValue) -> Self {
        let digits = value.as_bytes();
        let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        Self { value: number, count: digits.len() }
    }

    fn short_value(self) -> ShortValue {
        ShortValue::parse(self.to_string().as_bytes()).unwrap()
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = self.count)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue { token, units } => write!(f, "issue on {} for {units}", token.number),
            Self::Verify { token, units, cryptogram } => {
                let atc = cryptogram.header().map_or(0, |header| header.atc.get());
                write!(f, "verify ATC {atc} of {} for {units}", token.number)
            }
            Self::IssueShort { token, .. } => write!(f, "issue a short value on {}", token.number),
            Self::VerifyShort { token, value } => write!(f, "verify short value {value} of {}", token.number),
            Self::Provision { card, .. } => write!(f, "provision card {}", card.0),
            Self::Change { token, active: true } => write!(f, "resume {}", token.number),
            Self::Change { token, active: false } => write!(f, "suspend {}", token.number),
            Self::Show { token } => write!(f, "show {}", token.number),
            Self::Detokenize { token } => write!(f, "detokenize {}", token.number),
            Self::ClearShortLock { token } => write!(f, "clear the lock of {}", token.number),
        }
    }
}
