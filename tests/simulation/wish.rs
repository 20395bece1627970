//! What a client wants, in values that both the wire and the checker read.

use std::rc::Rc;

use tallystick::command::{
    CardSource, ChangeStatus, Command, Issue, IssueShort, LinkPar, List, Operation, Provision, Renew, Reseal,
    Verify, VerifyShort,
};
use tallystick::types::{
    Amount, AuthReference, Binding, Channel, Channels, Cryptogram, Currency, Domain, Evidence, Expiry,
    IdempotencyKey, Merchant, Network, Pan, Par, ProviderName, Reference, ShortValue, StatusEvent,
    TokenNumber, Transaction, Trid, UnpredictableNumber, luhn_check_digit,
};
use tallystick::wire::{Opcode, encode_command};

use crate::field::{Chip, verify_value};

/// Currency of every payment: ISO 4217 numeric.
const RUPEE: u16 = 356;

/// A payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    pub units: Option<u64>,
    pub merchant: Option<&'static str>,
    pub unpredictable: Option<[u8; 4]>,
    pub merchant_initiated: bool,
    pub channel: u8,
}

impl Payment {
    /// What a cryptogram of it binds: the low nibble of `docs/FORMATS.md`.
    pub fn bits(&self) -> u8 {
        u8::from(self.units.is_some())
            | u8::from(self.merchant.is_some()) << 1
            | u8::from(self.unpredictable.is_some()) << 2
            | u8::from(self.merchant_initiated) << 3
    }

    fn transaction(&self) -> Transaction<'static> {
        let currency = Currency::from_code(RUPEE).unwrap();
        Transaction {
            amount: self.units.map(|units| (Amount::from_minor_units(units), currency)),
            merchant: self.merchant.map(|name| Merchant::parse(name.as_bytes()).unwrap()),
            unpredictable: self.unpredictable.map(UnpredictableNumber),
            merchant_initiated: self.merchant_initiated,
            channel: Channel::from_number(self.channel).unwrap(),
        }
    }
}

/// Where and how a token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub merchant: Option<&'static str>,
    pub channels: u8,
    pub demands: u8,
}

impl Rules {
    pub fn domain(&self) -> Domain {
        Domain {
            merchant: self.merchant.map(|name| name.as_bytes().into()),
            channels: Channels::from_bits(self.channels).unwrap(),
            demands: Binding::from_bits(self.demands).unwrap(),
        }
    }
}

/// A card, by its number in the world's drawer.
pub type CardNumber = usize;

/// The leading digits of the nth card; the last have no token range.
const LEADING: [(&str, usize); 5] =
    [("411111", 16), ("400000", 16), ("607482", 16), ("378282", 15), ("555555", 16)];

/// The digits of the nth card.
pub fn pan_digits(card: CardNumber) -> Vec<u8> {
    let (leading, digits) = LEADING[card % LEADING.len()];
    let mut pan = format!("{leading}{card:0width$}", width = digits - leading.len() - 1).into_bytes();
    pan.push(luhn_check_digit(&pan));
    pan
}

pub fn network(card: CardNumber) -> Network {
    Network::of_digits(&pan_digits(card))
}

fn pan(card: CardNumber) -> Pan {
    Pan::parse(&pan_digits(card)).unwrap()
}

/// A card to be saved.
#[derive(Debug, Clone)]
pub struct Card {
    pub card: CardNumber,
    pub expiry: u16,
    pub trid: Trid,
    pub rules: Rules,
    pub providers: Option<Vec<&'static str>>,
    pub par: Option<String>,
}

/// Whom a payment concerns.
#[derive(Debug, Clone, Copy)]
pub struct Payer {
    pub token: TokenNumber,
    pub trid: Trid,
    pub expiry: u16,
}

/// Everything a client may want.
#[derive(Debug, Clone)]
pub enum Wish {
    Provision(Card),
    Show(TokenNumber),
    List { trid: Trid, after: Option<u32>, limit: u8 },
    Change { token: TokenNumber, provider: Option<&'static str>, event: StatusEvent },
    Renew { token: TokenNumber, expiry: u16 },
    LinkPar { card: CardNumber, predecessor: TokenNumber },
    Detokenize(TokenNumber),
    Par(CardNumber),
    Fingerprint(CardNumber),
    Issue(Payer, Payment),
    IssueShort(Payer, Payment),
    Verify(Payer, Payment, [u8; 20]),
    VerifyShort(Payer, Payment, String),
    ClearShortLock(TokenNumber),
    Reseal { after: Option<u32>, limit: u8 },
    EmvIssue(Chip),
    EmvVerify(Chip, u16, [u8; 8]),
    EmvArpc(Chip, u16, [u8; 8]),
    VerifyValue(CardNumber, [u8; 3]),
}

impl Wish {
    pub fn operation(&self) -> Operation {
        self.command().operation()
    }

    /// The token that it is about.
    pub fn token(&self) -> Option<TokenNumber> {
        match self {
            Self::Show(token)
            | Self::Change { token, .. }
            | Self::Renew { token, .. }
            | Self::LinkPar { predecessor: token, .. }
            | Self::Detokenize(token)
            | Self::ClearShortLock(token) => Some(*token),
            Self::Issue(payer, _)
            | Self::IssueShort(payer, _)
            | Self::Verify(payer, ..)
            | Self::VerifyShort(payer, ..) => Some(payer.token),
            _ => None,
        }
    }

    fn command(&self) -> Command<'static> {
        let issue = |payer: &Payer, payment: &Payment| Issue {
            token: payer.token,
            trid: payer.trid,
            transaction: payment.transaction(),
        };
        match self {
            Self::Provision(card) => Command::Provision(Box::new(card.provision())),
            Self::Show(token) => Command::Show(*token),
            Self::List { trid, after, limit } => {
                Command::List(List { trid: *trid, after: *after, limit: *limit })
            }
            Self::Change { token, provider, event } => {
                let provider = provider.map(|name| ProviderName::parse(name).unwrap());
                Command::ChangeStatus(ChangeStatus { token: *token, provider, event: *event })
            }
            Self::Renew { token, expiry } => {
                Command::Renew(Renew { token: *token, expiry: Expiry::from_value(*expiry).unwrap() })
            }
            Self::LinkPar { card, predecessor } => {
                Command::LinkPar(LinkPar { pan: pan(*card), predecessor: *predecessor })
            }
            Self::Detokenize(token) => Command::Detokenize(*token),
            Self::Par(card) => Command::Par(pan(*card)),
            Self::Fingerprint(card) => Command::Fingerprint(pan(*card)),
            Self::Issue(payer, payment) => Command::Issue(issue(payer, payment)),
            Self::IssueShort(payer, payment) => Command::IssueShort(IssueShort(issue(payer, payment))),
            Self::Verify(payer, payment, cryptogram) => Command::Verify(Verify {
                token: payer.token,
                expiry: Expiry::from_value(payer.expiry).unwrap(),
                trid: payer.trid,
                transaction: payment.transaction(),
                cryptogram: Cryptogram::from_slice(cryptogram).unwrap(),
            }),
            Self::VerifyShort(payer, payment, value) => Command::VerifyShort(VerifyShort {
                token: payer.token,
                expiry: Expiry::from_value(payer.expiry).unwrap(),
                trid: payer.trid,
                transaction: payment.transaction(),
                value: ShortValue::parse(value.as_bytes()).unwrap(),
            }),
            Self::ClearShortLock(token) => Command::ClearShortLock(*token),
            Self::Reseal { after, limit } => Command::Reseal(Reseal { after: *after, limit: *limit }),
            Self::EmvIssue(chip) => Command::EmvIssue(Box::new(chip.issue())),
            Self::EmvVerify(chip, atc, arqc) => Command::EmvVerify(Box::new(chip.verify(*atc, *arqc))),
            Self::EmvArpc(chip, atc, arqc) => Command::EmvArpc(Box::new(chip.answer(*atc, *arqc))),
            Self::VerifyValue(card, digits) => {
                Command::VerifyCardValue(Box::new(verify_value(*card, *digits)))
            }
        }
    }
}

impl Card {
    fn provision(&self) -> Provision {
        let auth_reference =
            (network(self.card) == Network::Rupay).then(|| AuthReference::parse("100222").unwrap());
        Provision {
            card: CardSource::Clear { pan: pan(self.card), expiry: Expiry::from_value(self.expiry).unwrap() },
            trid: self.trid,
            evidence: Evidence {
                provider: Reference::parse("bank").unwrap(),
                reference: Reference::parse("auth_1").unwrap(),
                auth_reference,
            },
            par: self.par.as_deref().map(|par| Par::parse(par).unwrap()),
            domain: self.rules.domain(),
            providers: self
                .providers
                .as_ref()
                .map(|names| names.iter().map(|name| ProviderName::parse(name).unwrap()).collect()),
        }
    }
}

/// A request on its way, or one that may be sent again.
#[derive(Debug)]
pub struct Request {
    /// Counts all requests; a retry has the number of its first sending.
    pub number: u64,
    pub client: usize,
    pub wish: Wish,
    pub key: Option<Vec<u8>>,
    pub opcode: Opcode,
    pub body: Vec<u8>,
}

impl Request {
    /// Who wants what, in words.
    pub fn about(&self) -> String {
        let key = self.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let wish = match &self.wish {
            Wish::Verify(payer, payment, cryptogram) => {
                let cryptogram = data_encoding::HEXLOWER.encode(&cryptogram[..8]);
                format!("Verify({} {payment:?} {cryptogram})", payer.token)
            }
            wish => format!("{wish:?}"),
        };
        format!("#{} of client {} key {key:?}: {wish}", self.number, self.client)
    }

    pub fn new(number: u64, client: usize, wish: Wish, key: Option<Vec<u8>>) -> Rc<Self> {
        let command = wish.command();
        let mut body = Vec::new();
        encode_command(&mut body, &command, key.as_deref().map(|key| IdempotencyKey::parse(key).unwrap()));
        let opcode = Opcode::of(command.operation());
        Rc::new(Self { number, client, wish, key, opcode, body })
    }
}
