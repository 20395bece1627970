//! Refused verifications, over a connection to an engine: for a caller without the
//! role of auditor no reason may take longer than another.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tallystick::client::Client;
use tallystick::command::{Caller, ChangeStatus, Command, Issue, Role, Roles, Verify, VerifyShort};
use tallystick::cryptogram::native::{Covered, Deriver};
use tallystick::daemon::Door;
use tallystick::keys::Keyring;
use tallystick::store::SqliteStore;
use tallystick::types::{
    Atc, Binding, Cryptogram, CryptogramHeader, DeactivationReason, Expiry, ShortValue, StatusEvent,
    TokenNumber, Transaction, Trid, UnixTime,
};
use tallystick::wire::Status;
use tempfile::TempDir;

use crate::Check;
use crate::statistics::Times;
use crate::support::house::House;
use crate::support::{self, PAN, card, everyone, trid};

/// Samples of each kind.
const SAMPLES: usize = 1500;
/// Tokens: so many that bad MACs lock none of them in one attempt.
const TOKENS: usize = SAMPLES * 4 / 6;

/// Why a verification is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    UnknownToken,
    WrongExpiry,
    WrongTrid,
    OfAnother,
    KeyVersion,
    BadMac,
    Replayed,
    Suspended,
    Deactivated,
    Locked,
    DomainMerchant,
    NeverIssued,
    BehindWindow,
    UnknownShort,
    SuspendedShort,
    ShortMismatch,
    ShortLocked,
}

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for other in [
        Why::UnknownToken,
        Why::WrongExpiry,
        Why::WrongTrid,
        Why::OfAnother,
        Why::KeyVersion,
        Why::Replayed,
        Why::Suspended,
        Why::Deactivated,
        Why::Locked,
        Why::DomainMerchant,
        Why::NeverIssued,
        Why::BehindWindow,
    ] {
        checks.push(check(Why::BadMac, other, false));
    }
    for other in [Why::UnknownShort, Why::SuspendedShort, Why::ShortLocked] {
        checks.push(check(Why::ShortMismatch, other, false));
    }
    // An auditor is told why, so nothing is done to hide it: it must be found.
    checks.push(check(Why::BadMac, Why::UnknownToken, true));
    checks
}

fn check(one: Why, other: Why, auditor: bool) -> Check {
    let who = if auditor { "an auditor" } else { "a verifier" };
    let name = format!("{other:?} beside {one:?}, to {who}");
    let told = name.clone();
    Check { name, is_planted: auditor, differs: Box::new(move || measure(one, other, auditor).differ(&told)) }
}

fn measure(one: Why, other: Why, auditor: bool) -> Times {
    let mut bench = Bench::new(auditor, other);
    // A first miss makes a record and a later one replaces it, whoever's it is. What is
    // refused more often must not have fewer first ones.
    for why in [one, other] {
        for _ in 0..TOKENS {
            bench.refused(why);
        }
    }
    let mut times = Times::default();
    for _ in 0..SAMPLES * 4 {
        // Both as often, so that no path is warmer than the other.
        let kind = fastrand::usize(..4);
        let took = bench.refused(if kind < 2 { one } else { other });
        [&mut times.one, &mut times.again, &mut times.other][kind.min(2)].push(took);
    }
    times
}

/// A caller, and tokens each with a cryptogram that was accepted.
struct Bench {
    client: Client<UnixStream>,
    is_auditor: bool,
    tokens: Vec<(TokenNumber, Cryptogram)>,
    /// As many, each with a cryptogram that is refused for what is measured.
    prepared: Vec<(TokenNumber, Cryptogram)>,
    next: usize,
    _dir: TempDir,
}

impl Bench {
    fn new(is_auditor: bool, why: Why) -> Self {
        // Where a commit takes the time that SQLite takes, and no disk's moods are in it.
        let shared = Path::new("/dev/shm");
        let dir = if shared.is_dir() { TempDir::new_in(shared) } else { TempDir::new() }.unwrap();
        let keyring = Arc::new(support::new_keys().load().unwrap());
        let store = SqliteStore::open(&dir.path().join("tally.db")).unwrap();
        let house = House::with_keys(store, Arc::clone(&keyring));
        let mut owner = Owner { client: house.enter(everyone(), Door::Data), keyring };
        // Of every kind as many, whether they are asked or not.
        let prepared = (0..TOKENS).map(|_| owner.prepare(why)).collect();
        let tokens = (0..TOKENS).map(|_| owner.prepare(Why::Replayed)).collect();
        let roles: &[Role] = if is_auditor { &[Role::Verifier, Role::Auditor] } else { &[Role::Verifier] };
        let caller = Caller::new("shop", Roles::of(roles), Some(&[trid()]));
        Self { client: house.enter(caller, Door::Data), is_auditor, tokens, prepared, next: 0, _dir: dir }
    }

    /// Has a verification refused, and tells how many nanoseconds that took.
    fn refused(&mut self, why: Why) -> f64 {
        self.next = (self.next + 1) % self.tokens.len();
        let (token, good) = self.tokens[self.next];
        let (prepared, cryptogram) = self.prepared[self.next];
        // As many that nobody has as there are tokens.
        let unknown = 9_000_000_000_000_000 + u64::try_from(self.next).unwrap();
        let unknown = TokenNumber::from_parts(unknown, 16).unwrap();
        let asked = match why {
            Why::UnknownToken => verify(unknown, good),
            Why::WrongExpiry => Verify { expiry: Expiry::parse(b"3001").unwrap(), ..verify(token, good) },
            Why::WrongTrid => Verify { trid: Trid::parse(b"40010000002").unwrap(), ..verify(token, good) },
            Why::OfAnother
            | Why::Suspended
            | Why::Deactivated
            | Why::Locked
            | Why::DomainMerchant
            | Why::NeverIssued
            | Why::BehindWindow => verify(prepared, cryptogram),
            Why::KeyVersion => verify(token, flipped(good, 1)),
            Why::BadMac => verify(token, flipped(good, 12)),
            Why::Replayed => verify(token, good),
            Why::UnknownShort => return self.refused_short(unknown),
            Why::SuspendedShort | Why::ShortLocked => return self.refused_short(prepared),
            Why::ShortMismatch => return self.refused_short(token),
        };
        let begun = Instant::now();
        let answer = self.client.verify(asked, None);
        let took = begun.elapsed();
        let status = answer.unwrap_err().status().unwrap();
        assert!(self.is_auditor || status == Status::Refused, "{status:?}");
        assert_ne!(status, Status::TokenLocked, "more bad MACs than a token takes");
        f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX))
    }

    fn refused_short(&mut self, token: TokenNumber) -> f64 {
        let asked = short(token, self.tokens[0].1);
        let begun = Instant::now();
        let answer = self.client.call(&asked, None);
        let took = begun.elapsed();
        assert_eq!(answer.unwrap_err().status(), Some(Status::Refused));
        f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX))
    }
}

/// Whoever has tokens made, with every role.
struct Owner {
    client: Client<UnixStream>,
    keyring: Arc<Keyring>,
}

impl Owner {
    /// A token and a cryptogram, and what makes it be refused.
    fn prepare(&mut self, why: Why) -> (TokenNumber, Cryptogram) {
        let mut card = card(PAN, "2912");
        match why {
            Why::OfAnother => card.trid = Trid::parse(b"40010000003").unwrap(),
            Why::DomainMerchant => card.domain.merchant = Some(b"m_1".as_slice().into()),
            _ => {}
        }
        let token = self.client.token(&Command::Provision(Box::new(card)), None).unwrap().token;
        let first = self.made(token, 1);
        match why {
            // Its header and MAC are right.
            Why::OfAnother | Why::DomainMerchant | Why::NeverIssued => {}
            Why::BehindWindow => self.accepted(token, 70),
            _ => self.accepted(token, 1),
        }
        let event = match why {
            Why::Suspended | Why::SuspendedShort => Some(StatusEvent::Suspend),
            Why::Deactivated => Some(StatusEvent::Deactivate(DeactivationReason::Requested)),
            _ => None,
        };
        if let Some(event) = event {
            self.client.change_status(ChangeStatus { token, provider: None, event }, None).unwrap();
        }
        if why == Why::Locked {
            let bad = flipped(first, 12);
            let misses = [(); 10].map(|()| self.told(&Command::Verify(verify(token, bad))));
            assert_eq!(misses, [Status::BadMac; 10]);
        }
        if why == Why::ShortLocked {
            let misses = [(); 5].map(|()| self.told(&short(token, first)));
            assert_eq!(misses, [Status::ShortMismatch; 5]);
        }
        (token, first)
    }

    /// So many are issued, and the last is accepted.
    fn accepted(&mut self, token: TokenNumber, count: usize) {
        let issue = Issue { token, trid: trid(), transaction: Transaction::UNKNOWN };
        let issued = self.client.issue_batch(&vec![(issue, None); count]).unwrap();
        let last = issued.into_iter().next_back().unwrap().unwrap().cryptogram;
        self.client.verify(verify(token, last), None).unwrap();
    }

    /// A cryptogram under the token's key, issued or not.
    fn made(&self, token: TokenNumber, atc: u32) -> Cryptogram {
        let (key_version, key) = self.keyring.token_derivation.active();
        let slot = UnixTime::from_seconds(support::NOW).slot();
        let header =
            CryptogramHeader { binding: Binding::NONE, key_version, atc: Atc::new(atc).unwrap(), slot };
        let expiry = Expiry::parse(b"2912").unwrap();
        let covered = Covered { trid: trid(), expiry, transaction: Transaction::UNKNOWN };
        Deriver::new(key).token_key(token).cryptogram(&header, &covered).unwrap()
    }

    fn told(&mut self, asked: &Command<'_>) -> Status {
        self.client.call(asked, None).unwrap_err().status().unwrap()
    }
}

fn flipped(cryptogram: Cryptogram, at: usize) -> Cryptogram {
    let mut bytes = *cryptogram.as_bytes();
    bytes[at] ^= 0x15;
    Cryptogram::from_slice(&bytes).unwrap()
}

fn short(token: TokenNumber, cryptogram: Cryptogram) -> Command<'static> {
    let Verify { expiry, trid, transaction, .. } = verify(token, cryptogram);
    let value = ShortValue::parse(b"123").unwrap();
    Command::VerifyShort(VerifyShort { token, expiry, trid, transaction, value })
}

fn verify(token: TokenNumber, cryptogram: Cryptogram) -> Verify<'static> {
    let expiry = Expiry::parse(b"2912").unwrap();
    Verify { token, expiry, trid: support::trid(), transaction: Transaction::UNKNOWN, cryptogram }
}
