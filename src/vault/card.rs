//! What may be shown of a card, and the words that APIs have for it.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::command::HeldCard;
use crate::types::{Expiry, Fingerprint, Network, TokenNumber};

/// A card as people see it. First six and last four digits may be stored and shown
/// together (PCI DSS 4.0, 3.4.1).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct CardFace {
    /// The network's name, as `Network` has it.
    network: String,
    /// The first six digits.
    pub iin: String,
    /// The last four digits.
    pub last_four: String,
    /// The number of digits.
    pub length: u8,
    /// The expiry, YYMM as a number.
    expiry: u16,
    /// The fingerprint that the engine has of it, 64 hexadecimal digits.
    fingerprint: String,
    /// The name on it.
    pub name: Option<String>,
    /// What the customer calls it.
    pub nickname: Option<String>,
}

impl CardFace {
    /// The face of a card that the engine holds.
    #[must_use]
    pub fn of(held: &HeldCard) -> Self {
        let text = |digits: &[u8]| digits.iter().map(|digit| char::from(*digit)).collect();
        Self {
            network: held.network.name().to_owned(),
            iin: text(&held.iin),
            last_four: text(&held.last_four),
            length: held.pan_length,
            expiry: held.expiry.value(),
            fingerprint: held.fingerprint.to_hex(),
            name: None,
            nickname: None,
        }
    }

    /// The face of a token that came with a payment: of the card it shows what was said
    /// of it.
    #[must_use]
    pub fn of_token(token: TokenNumber, expiry: Expiry, last_four: Option<&str>) -> Self {
        let digits = token.digits();
        Self {
            network: Network::of_digits(digits.as_bytes()).name().to_owned(),
            iin: digits.as_str().get(..6).unwrap_or_default().to_owned(),
            last_four: last_four.unwrap_or_default().to_owned(),
            length: token.digit_count(),
            expiry: expiry.value(),
            fingerprint: String::new(),
            name: None,
            nickname: None,
        }
    }

    /// The same with the names that came with the card.
    #[must_use]
    pub fn named(self, name: Option<&str>, nickname: Option<&str>) -> Self {
        Self { name: name.map(str::to_owned), nickname: nickname.map(str::to_owned), ..self }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::from_name(&self.network).unwrap_or(Network::Other)
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        let bytes = HEXLOWER.decode(self.fingerprint.as_bytes()).ok()?;
        bytes.try_into().ok().map(Fingerprint::from_bytes)
    }

    /// The expiry.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        Expiry::from_value(self.expiry).unwrap_or(Expiry::MIN)
    }

    /// Its month, two digits.
    #[must_use]
    pub fn month(&self) -> String {
        format!("{:02}", self.expiry().month())
    }

    /// Its year, four digits.
    #[must_use]
    pub fn year(&self) -> String {
        self.expiry().year().to_string()
    }
}

/// What APIs call a bank card's kind; all that the sandbox knows are of one.
#[derive(Debug, Clone, Copy)]
pub struct Issuer {
    /// The bank's name.
    pub bank: &'static str,
    /// Its code of four letters.
    pub code: &'static str,
    /// The country, ISO 3166.
    pub country: &'static str,
    /// Whether cards are credit cards; else they are debit cards.
    pub credit: bool,
}

impl Issuer {
    /// The sandbox's one issuer.
    #[must_use]
    pub const fn of(_card: &CardFace) -> Self {
        Self { bank: "HDFC Bank Limited", code: "HDFC", country: "IN", credit: false }
    }
}
