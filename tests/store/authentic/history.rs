//! Two moments of one bank, and what becomes of the newer one when it is changed.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;
use rusqlite::types::Value;
use tallystick::command::{ChangeStatus, Command, Reply, TokenView};
use tallystick::engine::{Anchor, EngineError};
use tallystick::keys::Keyring;
use tallystick::store::journal::{JournalBody, read_marks};
use tallystick::types::{Par, StatusEvent};
use tempfile::TempDir;

use super::row::{Row, Table, integer, rows};
use crate::bank::{Answers, Bank, KEYS, LOCKED, issue, wrong_short};
use crate::support::{PAN, card, new_keys};

/// Tokens: two pages, the second short.
const TOKENS: usize = 240;

/// A database that was closed, and what it answered.
pub struct Moment {
    pub bytes: Vec<u8>,
    pub anchor: Anchor,
    answers: Answers,
}

pub struct History {
    keyring: Arc<Keyring>,
    tokens: Vec<TokenView>,
    pub old: Moment,
    pub new: Moment,
    /// What an anchor was told a few groups before the newest.
    pub told: Anchor,
    /// How many groups at the end hold counter moves alone.
    pub plain: u64,
    /// The first group that a page of the newest moment may lack.
    pub first: u64,
    marked: Vec<i64>,
}

/// What became of a changed database.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The engine did not start.
    Refused(EngineError),
    /// Something was not answered; what was, is right.
    Unread,
    /// Everything is answered as it was.
    Same,
    /// Something is answered, and otherwise than it was.
    Other,
}

/// A place for a database, in memory if there is such a place: a test waits for
/// no disk a thousand times.
pub struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }
}

pub fn keyring() -> Arc<Keyring> {
    // The keys live as long as the process.
    let keys = Box::leak(Box::new(new_keys()));
    Arc::new(keys.load().unwrap())
}

/// A database of these bytes after a change.
pub fn moment(bytes: &[u8], change: impl FnOnce(&Connection)) -> Place {
    let place = Place::new();
    fs::write(place.path(), bytes).unwrap();
    let database = Connection::open(place.path()).unwrap();
    change(&database);
    database.close().unwrap();
    place
}

pub fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(History::live)
}

impl History {
    fn live() -> Self {
        let (keyring, place) = (keyring(), Place::new());
        let mut bank = Bank::open(&place.path(), &keyring, &[]).unwrap();
        let tokens = provisioned(&mut bank);
        for (key, view) in KEYS.iter().zip(&tokens) {
            bank.remembered(key, view.token).unwrap();
        }
        for _ in 0..5 {
            bank.run(vec![wrong_short(&tokens[LOCKED])]);
        }
        moves(&mut bank, &tokens, 5);
        (0..30).for_each(|at| suspend(&mut bank, &tokens[at]));
        let (bank, old) = Moment::of(bank, &place, &keyring, &tokens);
        let mut bank = bank;
        // Tokens of both pages, and then so many more that no row of these is marked any more.
        suspend(&mut bank, &tokens[TOKENS - 1]);
        (0..60).for_each(|at| suspend(&mut bank, &tokens[30 + at]));
        (0..60).for_each(|at| resume(&mut bank, &tokens[at]));
        moves(&mut bank, &tokens, 5);
        let told = bank.anchor();
        bank.told = told.head.number;
        (100..112).for_each(|at| suspend(&mut bank, &tokens[at]));
        let plain = plain_groups(&mut bank, &tokens);
        let (_, new) = Moment::of(bank, &place, &keyring, &tokens);
        let (marked, first) = journal_of(&new);
        Self { keyring, tokens, old, new, told, plain, first, marked }
    }

    /// The newer moment after a change.
    pub fn verdict(&self, anchors: &[Option<Anchor>], change: impl FnOnce(&Connection)) -> Verdict {
        self.verdict_of(&self.new.bytes, anchors, change)
    }

    /// The same with the older moment at hand, as the schema `old`.
    pub fn verdict_with_old(&self, anchors: &[Option<Anchor>], change: impl FnOnce(&Connection)) -> Verdict {
        self.verdict(anchors, |database| self.attach_old(database, change))
    }

    /// Any database after a change, against what the newer moment answered.
    pub fn verdict_of(
        &self,
        bytes: &[u8],
        anchors: &[Option<Anchor>],
        change: impl FnOnce(&Connection),
    ) -> Verdict {
        self.judge(&moment(bytes, change), anchors)
    }

    pub fn verdict_of_bytes(&self, change: impl FnOnce(&mut Vec<u8>)) -> Verdict {
        let (place, mut bytes) = (Place::new(), self.new.bytes.clone());
        change(&mut bytes);
        fs::write(place.path(), bytes).unwrap();
        self.judge(&place, &[])
    }

    /// What is to be read from the newer moment, with the older one at hand.
    pub fn with_old<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        let mut found = None;
        let _place = moment(&self.new.bytes, |database| {
            self.attach_old(database, |database| found = Some(read(database)));
        });
        found.unwrap()
    }

    /// Rows of the newer moment: all, or of tokens marked ones and a few others.
    pub fn sample(&self, table: Table) -> Vec<Row> {
        let mut sample =
            self.with_old(|database| rows(database, &format!("SELECT * FROM main.{}", table.name)));
        if table.name == "token" {
            let unmarked: Vec<_> =
                sample.iter().filter(|row| !self.is_marked(row)).map(|row| integer(&row[0])).collect();
            let few = [0, 1, 31, 61, 95, unmarked[unmarked.len() - 1]];
            sample.retain(|row| self.is_marked(row) || few.contains(&integer(&row[0])));
        }
        sample
    }

    /// Whether a row of a token, which begins with its slot, is marked by the journal.
    pub fn is_marked(&self, row: &Row) -> bool {
        self.marked.contains(&integer(&row[0]))
    }

    pub fn is_profile(&self, row: &Row) -> bool {
        row[0] == Value::Integer(4)
    }

    /// Whether a journal row is the newest or the oldest.
    pub fn is_at_an_end(&self, row: &Row) -> bool {
        let head = self.new.anchor.head.number.0 as i64;
        integer(&row[0]) == head || integer(&row[0]) == head + 1 - self.groups() as i64
    }

    /// The groups in the journal of the newer moment.
    pub fn groups(&self) -> u64 {
        self.with_old(|database| rows(database, "SELECT 1 FROM main.journal")).len() as u64
    }

    fn attach_old(&self, database: &Connection, then: impl FnOnce(&Connection)) {
        let old = Place::new();
        fs::write(old.path(), &self.old.bytes).unwrap();
        database.execute("ATTACH ? AS old", [old.path().to_str().unwrap()]).unwrap();
        then(database);
        database.execute("DETACH old", []).unwrap();
    }

    fn judge(&self, place: &Place, anchors: &[Option<Anchor>]) -> Verdict {
        let mut bank = match Bank::open(&place.path(), &self.keyring, anchors) {
            Ok(bank) => bank,
            Err(error) => return Verdict::Refused(error),
        };
        let (found, right) = (bank.answers(&self.tokens), &self.new.answers);
        if found == *right {
            return Verdict::Same;
        }
        let is_right = |(found, right): (&Option<TokenView>, _)| found.is_none() || found == right;
        let shown = found.shown.iter().zip(&right.shown).all(is_right);
        // A listing does not tell that a row is gone; showing its token does.
        let all = right.listed.as_ref().unwrap();
        let listed = found.listed.is_none_or(|listed| listed.iter().all(|view| all.contains(view)));
        let rest = (found.locked, &found.remembered, &found.counters)
            == (right.locked, &right.remembered, &right.counters);
        if shown && listed && rest { Verdict::Unread } else { Verdict::Other }
    }
}

impl Moment {
    /// Closes a bank and keeps what it was; it goes on where it was.
    fn of(bank: Bank, place: &Place, keyring: &Arc<Keyring>, tokens: &[TokenView]) -> (Bank, Self) {
        let (anchor, told) = (bank.anchor(), bank.told);
        drop(bank);
        let bytes = fs::read(place.path()).unwrap();
        let answers = Bank::open(&place.path(), keyring, &[]).unwrap().answers(tokens);
        assert!(answers.shown.iter().all(Option::is_some) && answers.listed.is_some());
        assert!(answers.locked.is_some() && answers.remembered.iter().all(Option::is_some));
        let mut bank = Bank::open(&place.path(), keyring, &[]).unwrap();
        bank.told = told;
        (bank, Self { bytes, anchor, answers })
    }
}

fn provisioned(bank: &mut Bank) -> Vec<TokenView> {
    let one = |at: usize| {
        let mut provision = card(PAN, "2912");
        if at % 3 == 1 {
            provision.domain.merchant = Some(b"a merchant".as_slice().into());
        }
        if at == 0 {
            provision.par = Some(Par::parse("PAROFTHISCARD").unwrap());
        }
        Command::Provision(Box::new(provision))
    };
    let mut tokens = Vec::new();
    for first in (0..TOKENS).step_by(40) {
        let (_, replies) = bank.run((first..first + 40).map(one).collect());
        tokens.extend(replies.into_iter().map(|reply| match reply {
            Some(Reply::Token(view)) => *view,
            other => panic!("{other:?}"),
        }));
    }
    tokens
}

fn change(bank: &mut Bank, view: &TokenView, event: StatusEvent) {
    let change = ChangeStatus { token: view.token, provider: None, event };
    let (_, replies) = bank.run(vec![Command::ChangeStatus(change)]);
    assert!(replies[0].is_some());
}

fn suspend(bank: &mut Bank, view: &TokenView) {
    change(bank, view, StatusEvent::Suspend);
}

fn resume(bank: &mut Bank, view: &TokenView) {
    change(bank, view, StatusEvent::Resume);
}

fn moves(bank: &mut Bank, tokens: &[TokenView], groups: usize) {
    for _ in 0..groups {
        bank.run(tokens.iter().map(|view| issue(view.token)).collect());
    }
}

/// Appends groups of moves until some pages and then two groups without any were
/// written. How many groups there are at the end that are nothing but moves.
fn plain_groups(bank: &mut Bank, tokens: &[TokenView]) -> u64 {
    let mut plain = None;
    while plain != Some(2) {
        let (group, _) = bank.run(tokens.iter().take(100).map(|view| issue(view.token)).collect());
        let is_plain = group.unwrap().pages.is_empty();
        plain = if is_plain { plain.map(|plain| plain + 1) } else { Some(0) };
    }
    2
}

/// The slots that the journal marks, and the first group that a page may lack.
fn journal_of(moment: &Moment) -> (Vec<i64>, u64) {
    let mut found = (Vec::new(), 0);
    let _place = self::moment(&moment.bytes, |database| {
        for row in rows(database, "SELECT marks, body FROM journal ORDER BY number") {
            if let Value::Blob(marks) = &row[0] {
                found.0.extend(read_marks(marks).unwrap().map(|(slot, _)| i64::from(slot.0)));
            }
            let Value::Blob(body) = &row[1] else { panic!("{row:?}") };
            found.1 = JournalBody::decode(body).unwrap().standing().first.0;
        }
    });
    found
}
