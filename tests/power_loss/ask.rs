//! What a client asks, by number, so that it can be asked again.

use tallystick::command::{ChangeStatus, Command, Issue, IssueShort, Verify, VerifyShort};
use tallystick::types::{Amount, Currency, StatusEvent, Transaction};

use crate::ledger::{Made, Token, Value};
use crate::support::{card, trid};

/// What is to be done, to tokens by their place in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Provision { pan: usize },
    Issue { token: usize, units: u64 },
    Verify { token: usize, atc: u32 },
    IssueShort { token: usize, units: u64 },
    VerifyShort { token: usize, atc: u32 },
    Suspend { token: usize },
    Resume { token: usize },
    Show { token: usize },
}

/// A deed, under an idempotency key or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub deed: Deed,
    pub key: Option<u32>,
}

const PANS: [&[u8]; 4] = [b"4111111111111111", b"4012888888881881", b"378282246310005", b"4000000000000002"];

impl Ask {
    pub const fn of(deed: Deed) -> Self {
        Self { deed, key: None }
    }

    /// The bytes of the idempotency key.
    pub fn key_bytes(self) -> Option<[u8; 4]> {
        self.key.map(u32::to_be_bytes)
    }

    /// The request's bytes: the same for the same deed.
    pub fn body(self) -> Vec<u8> {
        format!("{:?}", self.deed).into_bytes()
    }
}

impl Deed {
    pub const fn any_pan(number: usize) -> Self {
        Self::Provision { pan: number % PANS.len() }
    }

    /// The token that it is about, by its place.
    pub const fn token(self) -> Option<usize> {
        match self {
            Self::Provision { .. } => None,
            Self::Issue { token, .. }
            | Self::Verify { token, .. }
            | Self::IssueShort { token, .. }
            | Self::VerifyShort { token, .. }
            | Self::Suspend { token }
            | Self::Resume { token }
            | Self::Show { token } => Some(token),
        }
    }

    /// The counter that it would consume.
    pub const fn consumes(self) -> Option<(usize, u32)> {
        match self {
            Self::Verify { token, atc } | Self::VerifyShort { token, atc } => Some((token, atc)),
            _ => None,
        }
    }

    /// The command, if what it is about is known.
    pub fn command(self, tokens: &[Token]) -> Option<Command<'static>> {
        if let Self::Provision { pan } = self {
            return Some(Command::Provision(Box::new(card(PANS[pan], "4912"))));
        }
        let of = tokens.get(self.token()?)?;
        let view = &of.view;
        let issue = |units| Issue { token: view.token, trid: trid(), transaction: paying(units) };
        let change = |event| Command::ChangeStatus(ChangeStatus { token: view.token, provider: None, event });
        Some(match self {
            Self::Provision { .. } => return None,
            Self::Issue { units, .. } => Command::Issue(issue(units)),
            Self::IssueShort { units, .. } => Command::IssueShort(IssueShort(issue(units))),
            Self::Suspend { .. } => change(StatusEvent::Suspend),
            Self::Resume { .. } => change(StatusEvent::Resume),
            Self::Show { .. } => Command::Show(view.token),
            Self::Verify { atc, .. } | Self::VerifyShort { atc, .. } => verify(of, of.made.get(&atc)?),
        })
    }
}

fn verify(of: &Token, made: &Made) -> Command<'static> {
    let (token, expiry, trid) = (of.view.token, of.view.expiry, trid());
    let transaction = paying(made.units);
    match made.value {
        Value::Cryptogram(cryptogram) => {
            Command::Verify(Verify { token, expiry, trid, transaction, cryptogram })
        }
        Value::Short(value) => Command::VerifyShort(VerifyShort { token, expiry, trid, transaction, value }),
    }
}

fn paying(units: u64) -> Transaction<'static> {
    let amount = (Amount::from_minor_units(units), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}
