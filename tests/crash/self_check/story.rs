//! Short logs of a daemon that keeps its promises.

use tallystick::command::TokenView;
use tallystick::types::{
    Atc, Binding, Cryptogram, CryptogramHeader, Domain, Expiry, Fingerprint, KeyVersion, Network, Par,
    ProviderName, ProviderStates, ProviderStatus, ShortValue, TimeSlot, TokenNumber, Trid, UnixTime,
};
use tallystick::wire::Status;

use crate::ask::{Ask, Digits};
use crate::log::{Answer, Entry, Key, Outcome, Told};
use crate::wallet::{Card, Token};

/// Named entries in the order in which they happened, with kills between.
#[derive(Default)]
pub struct Story {
    stretches: Vec<Vec<Entry>>,
    names: Vec<&'static str>,
    clock: u64,
}

impl Story {
    /// Something that happened after all before it.
    fn then(mut self, name: &'static str, ask: Ask, key: Option<u64>, outcome: Outcome) -> Self {
        let (sent, ended) = (self.clock + 1, self.clock + 2);
        self.clock = ended;
        self.names.push(name);
        if self.stretches.is_empty() {
            self.stretches.push(Vec::new());
        }
        let entry = Entry { ask, key: key.map(Key), sent, ended, outcome };
        self.stretches.last_mut().unwrap().push(entry);
        self
    }

    fn kill(mut self) -> Self {
        self.stretches.push(Vec::new());
        self
    }

    pub fn stretches(&self) -> &[Vec<Entry>] {
        &self.stretches
    }

    /// Where a step stands in all stretches together.
    pub fn step(&self, name: &str) -> usize {
        self.names.iter().position(|known| *known == name).expect(name)
    }

    /// Gives a step another outcome.
    pub fn tamper(&mut self, name: &str, outcome: Outcome) {
        let at = self.step(name);
        self.stretches.iter_mut().flatten().nth(at).unwrap().outcome = outcome;
    }
}

/// Issues and verifications: 1 is consumed, 2 perhaps, 4 perhaps issued.
pub fn counters() -> Story {
    Story::default()
        .then("provision", saved(0), Some(900), token())
        .then("issue 1", issue(1), None, issued(1))
        .then("issue 2", issue(2), None, issued(2))
        .then("issue 3", issue(3), None, issued(3))
        .then("issue 4, unknown", issue(4), None, Outcome::Unknown)
        .then("issue 5", issue(5), None, issued(5))
        .then("verify 1", verify(1), None, accepted(1))
        .then("verify 2, unknown", verify(2), None, Outcome::Unknown)
        .kill()
        .then("issue after the kill", issue(6), None, issued(200))
        .then("verify 1 again", verify(1), None, refused(Status::Replayed))
        .then("verify 2", verify(2), None, accepted(2))
        .then("verify 2 again", verify(2), None, refused(Status::Replayed))
        .then("verify 3", verify(3), None, accepted(3))
        .then("verify 200", verify(200), None, accepted(200))
        .then("verify 5, far behind", verify(5), None, refused(Status::BehindWindow))
}

/// Idempotency keys: of an acknowledged request, and of two unknown ones.
pub fn keys() -> Story {
    Story::default()
        .then("provision", saved(0), Some(900), token())
        .then("issue", issue(1), Some(1), issued(1))
        .then("issue, unknown", issue(2), Some(2), Outcome::Unknown)
        .then("verify, unknown", verify(1), Some(3), Outcome::Unknown)
        .kill()
        .then("retry", issue(1), Some(1), issued(1))
        .then("another request", issue(7), Some(1), refused(Status::IdempotencyConflict))
        .then("retry of the unknown", issue(2), Some(2), issued(2))
        .then("retry of the unknown, again", issue(2), Some(2), issued(2))
        .then("retry of the unknown verification", verify(1), Some(3), accepted(1))
        .then("and again", verify(1), Some(3), accepted(1))
        .then("verify its cryptogram again", verify(1), None, refused(Status::Replayed))
}

/// Changes of status, two tokens, a PAN.
pub fn statuses() -> Story {
    let change = |active| Ask::Change { token: saved_token(), active };
    Story::default()
        .then("provision", saved(0), Some(900), token())
        .then("provision another", saved(1), Some(901), other_token())
        .then("suspend", change(false), None, shown(false))
        .then("show the suspended", look(), None, shown(false))
        .then("issue on the suspended", issue(1), None, refused(Status::TokenSuspended))
        .then("resume", change(true), None, shown(true))
        .kill()
        .then("show after the kill", look(), None, shown(true))
        .then("issue on the resumed", issue(1), None, issued(1))
        .then("detokenize", Ask::Detokenize { token: saved_token() }, None, pan(true))
}

/// Short values: one is used, one is left; five misses lock, an admin clears.
pub fn shorts() -> Story {
    let issue = || Ask::IssueShort { token: saved_token(), more: 0 };
    let verify = |value: &[u8]| Ask::VerifyShort { token: saved_token(), value: digits(value) };
    let miss = || refused(Status::ShortMismatch);
    Story::default()
        .then("provision", saved(0), Some(900), token())
        .then("issue 042", issue(), None, short(1, b"042"))
        .then("issue 777", issue(), None, short(2, b"777"))
        .kill()
        .then("verify 042", verify(b"042"), None, accepted(1))
        .then("verify 042 again", verify(b"042"), None, miss())
        .then("verify 777", verify(b"777"), None, accepted(2))
        .then("second miss", verify(b"042"), None, miss())
        .then("third miss", verify(b"042"), None, miss())
        .then("fourth miss", verify(b"042"), None, miss())
        .then("fifth miss", verify(b"042"), None, miss())
        .then("issue on the locked", issue(), None, refused(Status::ShortLocked))
        .kill()
        .then("clear", Ask::ClearShortLock { token: saved_token() }, None, shown(true))
        .kill()
        .then("issue on the cleared", issue(), None, short(3, b"111"))
}

pub fn issued(atc: u32) -> Outcome {
    let bytes = atc.to_be_bytes().to_vec();
    acknowledged(Told::Issued { atc, cryptogram: cryptogram(atc) }, bytes)
}

pub fn short(atc: u32, value: &[u8]) -> Outcome {
    acknowledged(Told::IssuedShort { atc, value: digits(value) }, value.to_vec())
}

pub fn accepted(atc: u32) -> Outcome {
    acknowledged(Told::Accepted { atc }, atc.to_be_bytes().to_vec())
}

pub fn refused(status: Status) -> Outcome {
    Outcome::Refused(status)
}

/// The token, active or suspended.
pub fn shown(active: bool) -> Outcome {
    acknowledged(Told::Token(Box::new(view(4_895_370_012_345_671, active))), vec![u8::from(active)])
}

/// The token, as it was saved.
pub fn token() -> Outcome {
    shown(true)
}

/// Another token.
pub fn other_token() -> Outcome {
    acknowledged(Told::Token(Box::new(view(4_895_370_099_999_999, true))), vec![9])
}

pub fn pan(right: bool) -> Outcome {
    acknowledged(Told::Pan { right }, Vec::new())
}

fn acknowledged(told: Told, bytes: Vec<u8>) -> Outcome {
    Outcome::Acknowledged(Answer { told, bytes })
}

fn saved(card: u32) -> Ask {
    Ask::Provision { card: Card(card), reference: 0 }
}

fn issue(units: u64) -> Ask {
    Ask::Issue { token: saved_token(), units }
}

fn verify(atc: u32) -> Ask {
    Ask::Verify { token: saved_token(), units: atc.into(), cryptogram: cryptogram(atc) }
}

fn look() -> Ask {
    Ask::Show { token: saved_token() }
}

fn saved_token() -> Token {
    Token::of(&view(4_895_370_012_345_671, true), Card(0))
}

fn digits(value: &[u8]) -> Digits {
    Digits::of(&ShortValue::parse(value).unwrap())
}

fn cryptogram(atc: u32) -> Cryptogram {
    let (atc, slot) = (Atc::new(atc).unwrap(), TimeSlot::new(7));
    let header = CryptogramHeader { binding: Binding::NONE, key_version: KeyVersion::FIRST, atc, slot };
    Cryptogram::assemble(&header, [0; Cryptogram::MAC])
}

fn view(number: u64, active: bool) -> TokenView {
    let status = if active { ProviderStatus::Active } else { ProviderStatus::Suspended };
    TokenView {
        token: TokenNumber::from_parts(number, 16).unwrap(),
        expiry: Expiry::parse(b"4912").unwrap(),
        card_expiry: Expiry::parse(b"4912").unwrap(),
        card_last_four: *b"0119",
        pan_length: 16,
        network: Network::Visa,
        trid: Trid::from_value(40_010_000_001).unwrap(),
        par: Par::parse("PAR").unwrap(),
        fingerprint: Fingerprint::from_bytes([7; 32]),
        providers: ProviderStates::from_list(vec![(ProviderName::parse("visa").unwrap(), status)]).unwrap(),
        domain: Domain::default(),
        created: UnixTime::from_seconds(1_800_000_000),
    }
}
