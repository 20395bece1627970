//! An engine on a machine, from its start until it fails or is stopped.

use std::sync::Arc;

use tallystick::command::{Caller, Refusal, Reply, Request};
use tallystick::engine::{
    Anchor, Chain, Context, Engine, EngineError, EngineLimits, Fetched, Mint, Need, Outcome, Pending,
    Unsealed,
};
use tallystick::keys::Keyring;
use tallystick::store::{
    CommitReceipt, Epoch, Group, GroupNumber, Load, LogLimits, PageKind, Record, Room, SqliteStore, Store,
    StoreError, StoredGroup, TokenRow, TokenSlot,
};
use tallystick::types::{IdempotencyKey, UnixTime};

use crate::ask::Ask;
use crate::ledger::{Expect, KEY_SECONDS, Ledger, Violation};
use crate::support::{config, everyone};
use crate::system::System;
use crate::world::{Dice, Machine, World};

/// What the engine is about when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Opening the store: making it, recovery, drawing the epoch.
    Opening,
    Loading,
    /// Noting that the anchor was told.
    Anchoring,
    /// Making room: the log goes into the database, or grows.
    Reserving,
    Committing,
    Expiring,
    /// Nothing, or the closing of the store.
    Idle,
}

/// Why a life ended.
#[derive(Debug)]
pub enum End {
    /// The store failed. It may have been failed, or have no power.
    Store(Phase, StoreError),
    /// A group waits for room.
    NoRoom,
    /// A promise was broken.
    Broken(Violation),
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

/// How an engine and its store are set up: small, so that everything happens often.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub log: LogLimits,
    pub journal_bytes: u64,
    /// Whether an anchor outside the drive is kept.
    pub anchored: bool,
}

impl Settings {
    pub fn any(rng: &mut fastrand::Rng) -> Self {
        let checkpoint = [16 << 10, 64 << 10, 256 << 10][rng.usize(..3)];
        let log = LogLimits {
            reserved: 1 << 20,
            checkpoint,
            free: [0, 100_000][rng.usize(..2)],
            background: false,
        };
        Self { log, journal_bytes: [500, 4000, 40_000, 200_000][rng.usize(..4)], anchored: rng.bool() }
    }
}

/// A request whose answer is still closed.
struct Asked {
    ask: Ask,
    expect: Expect,
    pending: Pending<Result<Reply, Refusal>>,
}

/// A running engine, as the daemon runs it but on one thread.
pub struct Life {
    engine: Engine<Unsealed>,
    chain: Chain,
    store: SqliteStore,
    receipt: CommitReceipt,
    /// A group that is decided and not durable yet.
    sealed: Option<Group>,
    anchored: GroupNumber,
    asked: Vec<Asked>,
    dice: Dice,
    caller: Caller,
    keyring: Arc<Keyring>,
}

impl Life {
    /// Opens store and engine and tells the anchor, as the daemon does.
    pub fn open(
        world: &World,
        machine: &Machine,
        now: u64,
        settings: Settings,
        anchor: &mut Option<Anchor>,
        rng: fastrand::Rng,
    ) -> Result<Self, End> {
        let disk = Box::new(System::new(&machine.drive));
        let mut store = SqliteStore::open_on(disk, machine.path().to_owned(), settings.log)
            .map_err(|error| End::Store(Phase::Opening, error))?;
        let limits = EngineLimits {
            idempotency_seconds: KEY_SECONDS,
            journal_bytes: settings.journal_bytes,
            ..EngineLimits::default()
        };
        let keyring = Arc::clone(&world.keyring);
        let anchors = if settings.anchored { &[*anchor][..] } else { &[] };
        let engine = Engine::new(config(limits));
        let unsealed = engine.unseal(Arc::clone(&keyring), &mut store, anchors, UnixTime::from_seconds(now));
        let (engine, chain) = unsealed.map_err(|error| match error {
            EngineError::Store(error) => End::Store(Phase::Loading, error),
            other => End::Broken(Violation::Unopenable(other.to_string())),
        })?;
        let (receipt, dice, caller) = (store.receipt(), Dice::new(rng), everyone());
        let mut life = Self {
            engine,
            chain,
            store,
            receipt,
            sealed: None,
            anchored: GroupNumber(u64::MAX),
            asked: Vec::new(),
            dice,
            caller,
            keyring,
        };
        if settings.anchored {
            *anchor = life.anchor();
            life.store.set_anchored().map_err(|error| End::Store(Phase::Anchoring, error))?;
        }
        Ok(life)
    }

    /// What an anchor is told now. From then on the journal keeps what it names.
    pub fn anchor(&mut self) -> Option<Anchor> {
        let (epoch, head) = (self.chain.epoch(), self.chain.head());
        self.anchored = head.number;
        Some(Anchor { epoch, head, token_key: self.keyring.token_derivation.active().0 })
    }

    /// Executes a request; its answer waits for a commit.
    pub fn ask(&mut self, ledger: &mut Ledger, ask: Ask) -> Result<(), End> {
        let Some(command) = ask.deed.command(&ledger.tokens) else { return Ok(()) };
        let (body, key) = (ask.body(), ask.key_bytes());
        let idempotency = key.as_ref().and_then(|key| IdempotencyKey::parse(key).ok());
        let request = Request { command, idempotency, body: &body };
        let now = UnixTime::from_seconds(ledger.now);
        let mut fetched = Fetched::Nothing;
        let pending = loop {
            let context = Context { now, random: &self.dice, caller: &self.caller };
            match self.engine.execute(context, &request, None, &fetched) {
                Outcome::Answer(pending) => break pending,
                Outcome::Fetch(need) => fetched = self.fetch(need)?,
            }
        };
        let pending = pending.compute(&Mint::new(&self.keyring));
        let expect = ledger.asked(ask, self.engine.closed());
        self.asked.push(Asked { ask, expect, pending });
        Ok(())
    }

    fn fetch(&mut self, need: Need) -> Result<Fetched, End> {
        let fetched = match need {
            Need::Row(slot) => self.store.token(slot).map(|row| row.map_or(Fetched::Nothing, Fetched::Row)),
            Need::Rows { trid, after, limit } => self.store.tokens_of(trid, after, limit).map(Fetched::Rows),
            Need::Range { after, limit } => self.store.tokens_after(after, limit).map(Fetched::Rows),
        };
        fetched.map_err(|error| End::Store(Phase::Loading, error))
    }

    /// Commits what is open. Whatever `meanwhile` asks goes into the next group,
    /// as what arrives while the daemon commits.
    pub fn commit(
        &mut self,
        ledger: &mut Ledger,
        meanwhile: impl FnOnce(&mut Self, &mut Ledger) -> Result<(), End>,
    ) -> Result<(), End> {
        let taken = self.engine.take_group();
        meanwhile(self, ledger)?;
        self.sealed = taken.map(|open| self.chain.seal(open, self.anchored));
        self.append(ledger)
    }

    /// Appends the group that was sealed, if there is one and it has room, and
    /// opens every answer that is durable.
    pub fn append(&mut self, ledger: &mut Ledger) -> Result<(), End> {
        if let Some(group) = self.sealed.take() {
            if self.look(Some(&group))? == Room::None {
                self.sealed = Some(group);
                return Err(End::NoRoom);
            }
            match self.store.append(&group) {
                Ok(receipt) => self.receipt = receipt,
                Err(error) => {
                    self.sealed = Some(group);
                    return Err(End::Store(Phase::Committing, error));
                }
            }
            self.engine.committed(self.receipt.newest());
        } else if self.closed().is_some() {
            self.look(None)?;
        }
        for Asked { ask, expect, pending } in std::mem::take(&mut self.asked) {
            match pending.open(&self.receipt) {
                Ok(answer) => ledger.told(ask, &expect, answer)?,
                Err(pending) => self.asked.push(Asked { ask, expect, pending }),
            }
        }
        Ok(())
    }

    /// Looks for room, and has the engine take on new work or not.
    pub fn look(&mut self, group: Option<&Group>) -> Result<Room, End> {
        let room = self.store.reserve(group).map_err(|error| End::Store(Phase::Reserving, error))?;
        self.engine.close((room != Room::Ample).then_some(Refusal::StorageFull));
        Ok(room)
    }

    /// Forgets what has expired.
    pub fn expire(&mut self, ledger: &mut Ledger) -> Result<(), End> {
        self.engine.expire(UnixTime::from_seconds(ledger.now));
        self.store.expire(ledger.now).map_err(|error| End::Store(Phase::Expiring, error))?;
        ledger.expire();
        Ok(())
    }

    /// Why nothing new is taken on, if so.
    pub const fn closed(&self) -> Option<Refusal> {
        self.engine.closed()
    }

    /// Whether every answer was told.
    pub const fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }

    /// The requests that are not answered yet.
    pub fn unanswered(&self) -> Vec<Ask> {
        self.asked.iter().map(|asked| asked.ask).collect()
    }

    /// Whether a store that failed refuses everything from then on.
    pub fn check_poisoned(&mut self) -> Result<(), Violation> {
        let Self { store, sealed, .. } = self;
        let (slot, trid) = (TokenSlot(0), crate::support::trid());
        let refusals = [
            (
                "an append",
                sealed.as_ref().map_or(Err(StoreError::Poisoned), |group| store.append(group).map(drop)),
            ),
            ("room", store.reserve(sealed.as_ref()).map(drop)),
            ("an expiry", store.expire(u64::MAX).map(drop)),
            ("anchoring", store.set_anchored()),
            ("another epoch", store.outgrow(Epoch(1 << 20))),
            ("a read", store.token(slot).map(drop)),
            ("a listing", store.tokens_of(trid, None, 10).map(drop)),
            ("another listing", store.tokens_after(None, 10).map(drop)),
            ("loading", store.load(&mut Nobody)),
        ];
        match refusals.into_iter().find(|(_, result)| *result != Err(StoreError::Poisoned)) {
            Some((what, result)) => Err(Violation::NotPoisoned(format!("{what}: {result:?}"))),
            None => Ok(()),
        }
    }
}

/// Takes what is loaded and keeps nothing.
struct Nobody;

impl Load for Nobody {
    fn record(&mut self, _: Record) -> Result<(), StoreError> {
        Ok(())
    }

    fn page(&mut self, _: PageKind, _: u32, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }

    fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
        Ok(())
    }

    fn journal(&mut self, _: StoredGroup<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}
