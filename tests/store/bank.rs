//! An engine over a SQLite store, and what can be asked of it.

use std::path::Path;
use std::sync::Arc;

use tallystick::command::{Command, Issue, List, Refusal, Reply, Request, TokenView, VerifyShort};
use tallystick::crypto::SystemRandom;
use tallystick::engine::{
    Anchor, Chain, Context, Engine, EngineError, EngineLimits, Fetched, Mint, Need, Outcome, Pending,
    Unsealed,
};
use tallystick::keys::Keyring;
use tallystick::store::journal::JournalBody;
use tallystick::store::{Group, GroupNumber, Room, SqliteStore, Store};
use tallystick::types::{IdempotencyKey, ShortValue, TokenNumber, Transaction, UnixTime};

use crate::fixture::open_short;
use crate::support::{NOW, config, everyone, trid};

pub struct Bank {
    engine: Engine<Unsealed>,
    chain: Chain,
    store: SqliteStore,
    keyring: Arc<Keyring>,
    /// The newest group of which an anchor was told; the last there can be, if there is none.
    pub told: GroupNumber,
}

/// All that a bank answers; none where it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    pub shown: Vec<Option<TokenView>>,
    pub listed: Option<Vec<TokenView>>,
    /// What a wrong short value of the token [`LOCKED`] is answered.
    pub locked: Option<Refusal>,
    /// Cryptograms remembered under a key, as they were first answered.
    pub remembered: Vec<Option<Vec<u8>>>,
    /// The next counter of each slot.
    pub counters: Vec<(u32, u32)>,
}

/// The keys under which cryptograms are remembered.
pub const KEYS: [&str; 3] = ["first key", "second key", "third key"];

/// The index of the token whose short values are locked.
pub const LOCKED: usize = 7;

pub fn issue(token: TokenNumber) -> Command<'static> {
    Command::Issue(Issue { token, trid: trid(), transaction: Transaction::UNKNOWN })
}

pub fn wrong_short(view: &TokenView) -> Command<'static> {
    Command::VerifyShort(VerifyShort {
        token: view.token,
        expiry: view.expiry,
        trid: view.trid,
        transaction: Transaction::UNKNOWN,
        value: ShortValue::parse(b"000").unwrap(),
    })
}

impl Bank {
    /// A short round of the checkpoint, so that every page is rewritten every few rows.
    pub const LIMITS: EngineLimits = EngineLimits {
        tokens: 1000,
        cards: 100,
        par_links: 100,
        idempotency_keys: 1000,
        idempotency_seconds: 86_400,
        group: 1000,
        journal_bytes: 40_000,
        token_per_minute: None,
        key_grace_seconds: u64::MAX,
    };

    pub fn open(
        path: &Path,
        keyring: &Arc<Keyring>,
        anchors: &[Option<Anchor>],
    ) -> Result<Self, EngineError> {
        let mut store = open_short(path)?;
        let (engine, now) = (Engine::new(config(Self::LIMITS)), UnixTime::from_seconds(NOW));
        let (engine, chain) = engine.unseal(Arc::clone(keyring), &mut store, anchors, now)?;
        Ok(Self { engine, chain, store, keyring: Arc::clone(keyring), told: GroupNumber(u64::MAX) })
    }

    /// What an anchor would hold now.
    pub fn anchor(&self) -> Anchor {
        let token_key = self.keyring.token_derivation.active().0;
        Anchor { epoch: self.chain.epoch(), head: self.chain.head(), token_key }
    }

    /// Executes some commands into one group and commits it. The group, and the replies.
    pub fn run(&mut self, commands: Vec<Command<'_>>) -> (Option<Group>, Vec<Option<Reply>>) {
        let decide = |command| self.decide(&Request { command, idempotency: None, body: b"" });
        let decided: Vec<_> = commands.into_iter().map(decide).collect();
        let group = self.commit();
        let receipt = self.store.receipt();
        let open = |pending: Pending<Result<Reply, Refusal>>| pending.open(&receipt).unwrap().ok();
        (group, decided.into_iter().map(|pending| pending.and_then(open)).collect())
    }

    /// Issues a cryptogram under a key, or gives the one remembered.
    pub fn remembered(&mut self, key: &str, token: TokenNumber) -> Option<Vec<u8>> {
        let idempotency = IdempotencyKey::parse(key.as_bytes()).ok();
        let pending = self.decide(&Request { command: issue(token), idempotency, body: key.as_bytes() })?;
        self.commit();
        match pending.open(&self.store.receipt()).unwrap() {
            Ok(Reply::Issued(issued)) => Some(issued.cryptogram.as_bytes().to_vec()),
            _ => None,
        }
    }

    /// Asks for everything there is. It changes what is asked only in memory.
    pub fn answers(&mut self, tokens: &[TokenView]) -> Answers {
        let shown = tokens.iter().map(|view| self.show(view.token)).collect();
        let listed = self.listed();
        let locked = self.read(wrong_short(&tokens[LOCKED])).and_then(Result::err);
        let remember = |(key, view): (&&str, &TokenView)| self.read_remembered(key, view.token);
        let remembered = KEYS.iter().zip(tokens).map(remember).collect();
        Answers { shown, listed, locked, remembered, counters: self.counters(tokens) }
    }

    fn show(&mut self, token: TokenNumber) -> Option<TokenView> {
        match self.read(Command::Show(token))? {
            Ok(Reply::Token(view)) => Some(*view),
            _ => None,
        }
    }

    fn listed(&mut self) -> Option<Vec<TokenView>> {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = match self.read(Command::List(List { trid: trid(), after, limit: 100 }))? {
                Ok(Reply::Page(page)) => page,
                _ => return None,
            };
            listed.extend(page.tokens);
            after = page.next;
            if after.is_none() {
                return Some(listed);
            }
        }
    }

    fn read_remembered(&mut self, key: &str, token: TokenNumber) -> Option<Vec<u8>> {
        let idempotency = IdempotencyKey::parse(key.as_bytes()).ok();
        let pending = self.decide(&Request { command: issue(token), idempotency, body: key.as_bytes() })?;
        match pending.open(&self.store.receipt()) {
            Ok(Ok(Reply::Issued(issued))) => Some(issued.cryptogram.as_bytes().to_vec()),
            _ => None,
        }
    }

    /// The counter that each usable token would get next.
    fn counters(&mut self, tokens: &[TokenView]) -> Vec<(u32, u32)> {
        for view in tokens {
            let _ = self.decide(&Request { command: issue(view.token), idempotency: None, body: b"" });
        }
        let open = self.engine.take_group();
        let group = open.map(|open| self.chain.seal(open, self.told));
        let body = group.as_ref().map(|group| JournalBody::decode(&group.body).unwrap());
        let issued = body.iter().flat_map(JournalBody::issued);
        issued.map(|moved| (moved.slot.0, moved.atc.get())).collect()
    }

    /// Executes what changes nothing; none if it would change something after all.
    fn read(&mut self, command: Command<'_>) -> Option<Result<Reply, Refusal>> {
        let pending = self.decide(&Request { command, idempotency: None, body: b"" })?;
        pending.open(&self.store.receipt()).ok()
    }

    /// Executes; none if the store cannot read what the engine needs.
    fn decide(&mut self, request: &Request<'_>) -> Option<Pending<Result<Reply, Refusal>>> {
        let (mut fetched, caller) = (Fetched::Nothing, everyone());
        let mut tries = 0;
        loop {
            let context =
                Context { now: UnixTime::from_seconds(NOW), random: &SystemRandom, caller: &caller };
            tries += 1;
            fetched = match self.engine.execute(context, request, None, &fetched) {
                Outcome::Answer(pending) => return Some(pending.compute(&Mint::new(&self.keyring))),
                // Nobody writes beside it, so what is stale twice stays so.
                Outcome::Fetch(_) if tries > 2 => Fetched::Missing,
                Outcome::Fetch(Need::Row(slot)) => {
                    self.store.token(slot).ok()?.map_or(Fetched::Missing, Fetched::Row)
                }
                Outcome::Fetch(Need::Rows { trid, after, limit }) => {
                    Fetched::Rows(self.store.tokens_of(trid, after, limit).ok()?)
                }
                Outcome::Fetch(Need::Range { after, limit }) => {
                    Fetched::Rows(self.store.tokens_after(after, limit).ok()?)
                }
            };
        }
    }

    fn commit(&mut self) -> Option<Group> {
        let group = self.chain.seal(self.engine.take_group()?, self.told);
        assert_ne!(self.store.reserve(Some(&group)), Ok(Room::None));
        let receipt = self.store.append(&group).unwrap();
        self.engine.committed(receipt.newest());
        Some(group)
    }
}
