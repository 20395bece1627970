//! Refused verifications, over a connection to an engine: for a caller without the
//! role of auditor no reason may take longer than another.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use tallystick::client::Client;
use tallystick::command::{Caller, Command, Role, Roles, Verify, VerifyShort};
use tallystick::daemon::Door;
use tallystick::store::SqliteStore;
use tallystick::types::{Cryptogram, Expiry, ShortValue, TokenNumber, Transaction, Trid};
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
    UnknownShort,
    ShortMismatch,
}

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for other in
        [Why::UnknownToken, Why::WrongExpiry, Why::WrongTrid, Why::OfAnother, Why::KeyVersion, Why::Replayed]
    {
        checks.push(check(Why::BadMac, other, false));
    }
    checks.push(check(Why::ShortMismatch, Why::UnknownShort, false));
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
    let mut bench = Bench::new(auditor);
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
    /// As many of another requestor.
    foreign: Vec<TokenNumber>,
    next: usize,
    _dir: TempDir,
}

impl Bench {
    fn new(is_auditor: bool) -> Self {
        // Where a commit takes the time that SQLite takes, and no disk's moods are in it.
        let shared = Path::new("/dev/shm");
        let dir = if shared.is_dir() { TempDir::new_in(shared) } else { TempDir::new() }.unwrap();
        let house = House::over(SqliteStore::open(&dir.path().join("tally.db")).unwrap());
        let mut owner = house.enter(everyone(), Door::Data);
        let mut token = |trid: Trid| {
            let card = tallystick::command::Provision { trid, ..card(PAN, "2912") };
            owner.token(&Command::Provision(Box::new(card)), None).unwrap().token
        };
        let foreign = (0..TOKENS).map(|_| token(Trid::parse(b"40010000003").unwrap())).collect();
        let tokens: Vec<_> = (0..TOKENS).map(|_| token(trid())).collect();
        let tokens = tokens.into_iter().map(|token| {
            let issue = tallystick::command::Issue { token, trid: trid(), transaction: Transaction::UNKNOWN };
            let cryptogram = owner.issue(issue, None).unwrap().cryptogram;
            owner.verify(verify(token, cryptogram), None).unwrap();
            (token, cryptogram)
        });
        let tokens = tokens.collect();
        let roles: &[Role] = if is_auditor { &[Role::Verifier, Role::Auditor] } else { &[Role::Verifier] };
        let caller = Caller::new("shop", Roles::of(roles), Some(&[trid()]));
        Self { client: house.enter(caller, Door::Data), is_auditor, tokens, foreign, next: 0, _dir: dir }
    }

    /// Has a verification refused, and tells how many nanoseconds that took.
    fn refused(&mut self, why: Why) -> f64 {
        self.next = (self.next + 1) % self.tokens.len();
        let (token, good) = self.tokens[self.next];
        let flipped = |at: usize| {
            let mut bytes = *good.as_bytes();
            bytes[at] ^= 0x15;
            Cryptogram::from_slice(&bytes).unwrap()
        };
        // As many that nobody has as there are tokens.
        let unknown = 9_000_000_000_000_000 + u64::try_from(self.next).unwrap();
        let unknown = TokenNumber::from_parts(unknown, 16).unwrap();
        let asked = match why {
            Why::UnknownToken => verify(unknown, good),
            Why::WrongExpiry => Verify { expiry: Expiry::parse(b"3001").unwrap(), ..verify(token, good) },
            Why::WrongTrid => Verify { trid: Trid::parse(b"40010000002").unwrap(), ..verify(token, good) },
            Why::OfAnother => verify(self.foreign[self.next], good),
            Why::KeyVersion => verify(token, flipped(1)),
            Why::BadMac => verify(token, flipped(12)),
            Why::Replayed => verify(token, good),
            Why::UnknownShort => return self.refused_short(unknown),
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
        let Verify { expiry, trid, transaction, .. } = verify(token, self.tokens[0].1);
        let value = ShortValue::parse(b"123").unwrap();
        let asked = Command::VerifyShort(VerifyShort { token, expiry, trid, transaction, value });
        let begun = Instant::now();
        let answer = self.client.call(&asked, None);
        let took = begun.elapsed();
        assert_eq!(answer.unwrap_err().status(), Some(Status::Refused));
        f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX))
    }
}

fn verify(token: TokenNumber, cryptogram: Cryptogram) -> Verify<'static> {
    let expiry = Expiry::parse(b"2912").unwrap();
    Verify { token, expiry, trid: support::trid(), transaction: Transaction::UNKNOWN, cryptogram }
}
