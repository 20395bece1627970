//! The cards that are saved, and what is paid with their tokens. Everything
//! follows from a card's number in the order of saving, so that a request can be
//! made again to the byte.

use tallystick::command::{CardSource, Provision, TokenView};
use tallystick::types::{
    Amount, Binding, Channel, Channels, Currency, Domain, Evidence, Expiry, Merchant, Pan, Reference,
    TokenNumber, Transaction, Trid, UnpredictableNumber, luhn_check_digit,
};

/// The nth card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card(pub u32);

/// A token and what its payments need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub number: TokenNumber,
    pub expiry: Expiry,
    pub trid: Trid,
    pub card: Card,
}

/// What a card's token demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    MerchantInitiated,
    OneMerchant,
    InApp,
    /// With verification values of four digits.
    Amex,
}

const MERCHANT: &[u8] = b"m_1";

impl Token {
    pub const fn of(view: &TokenView, card: Card) -> Self {
        Self { number: view.token, expiry: view.expiry, trid: view.trid, card }
    }
}

impl Card {
    const fn kind(self) -> Kind {
        match self.0 % 8 {
            3 => Kind::MerchantInitiated,
            4 | 5 => Kind::OneMerchant,
            6 => Kind::InApp,
            7 => Kind::Amex,
            _ => Kind::Open,
        }
    }

    /// The PAN's digits.
    pub fn digits(self) -> Vec<u8> {
        let mut digits = match self.kind() {
            Kind::Amex => format!("3714{:010}", self.0),
            _ => format!("411111{:09}", self.0),
        }
        .into_bytes();
        digits.push(luhn_check_digit(&digits));
        digits
    }

    /// The request that saves it. Another `reference` is another request.
    pub fn provision(self, reference: u64) -> Provision {
        let domain = match self.kind() {
            Kind::Open | Kind::MerchantInitiated => Domain::default(),
            Kind::OneMerchant => Domain { merchant: Some(MERCHANT.into()), ..Domain::default() },
            Kind::InApp => Domain {
                channels: Channels::from_bits(1 << Channel::InApp.number()).unwrap(),
                demands: Binding::AMOUNT,
                ..Domain::default()
            },
            Kind::Amex => {
                Domain { demands: Binding::AMOUNT.with(Binding::UNPREDICTABLE), ..Domain::default() }
            }
        };
        Provision {
            card: CardSource::Clear {
                pan: Pan::parse(&self.digits()).unwrap(),
                expiry: Expiry::parse(b"4912").unwrap(),
            },
            trid: Trid::from_value(40_010_000_001 + u64::from(self.0 % 2)).unwrap(),
            evidence: Evidence {
                provider: Reference::parse("crash").unwrap(),
                reference: Reference::parse(&format!("consent {reference}")).unwrap(),
                auth_reference: None,
            },
            par: None,
            domain,
            providers: None,
        }
    }

    /// A payment of so many minor units that its token may be used for.
    pub fn payment(self, units: u64) -> Transaction<'static> {
        let paid = Transaction {
            amount: Some((Amount::from_minor_units(units), Currency::from_code(356).unwrap())),
            ..Transaction::UNKNOWN
        };
        match self.kind() {
            Kind::Open => paid,
            Kind::MerchantInitiated => {
                Transaction { merchant_initiated: true, channel: Channel::Recurring, ..paid }
            }
            Kind::OneMerchant => Transaction { merchant: Merchant::parse(MERCHANT).ok(), ..paid },
            Kind::InApp => Transaction { channel: Channel::InApp, ..paid },
            Kind::Amex => Transaction { unpredictable: Some(UnpredictableNumber([0xa5; 4])), ..paid },
        }
    }
}
