//! An engine on a machine, from its start until it fails or is stopped.

use std::sync::Arc;

use tallystick::command::{Caller, Refusal, Reply, Request};
use tallystick::engine::{
    Chain, Context, Engine, EngineError, Fetched, Mint, Need, Outcome, Pending, Unsealed,
};
use tallystick::store::{CommitReceipt, SqliteStore, Store, StoreError};
use tallystick::types::{IdempotencyKey, UnixTime};

use crate::ask::Ask;
use crate::ledger::{Expect, Ledger, Violation};
use crate::support::{config, everyone};
use crate::vfs;
use crate::world::{Dice, Machine, World};

/// What the engine is about when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Opening the store: recovery, schema, drawing the epoch.
    Opening,
    Loading,
    Committing,
    /// Folding and expiring.
    Tidying,
    /// Nothing, or the closing of the store.
    Idle,
}

/// Why a life ended.
#[derive(Debug)]
pub enum End {
    /// The store failed. It may have been failed, or have no power.
    Store(Phase, StoreError),
    /// A promise was broken.
    Broken(Violation),
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
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
    pub store: SqliteStore,
    receipt: CommitReceipt,
    asked: Vec<Asked>,
    dice: Dice,
    caller: Caller,
    keyring: Arc<tallystick::keys::Keyring>,
}

impl Life {
    pub fn open(world: &World, machine: &Machine, now: u64, rng: fastrand::Rng) -> Result<Self, End> {
        let mut store = SqliteStore::open_on(machine.path(), vfs::NAME)
            .map_err(|error| End::Store(Phase::Opening, error))?;
        let keyring = Arc::clone(&world.keyring);
        let engine = Engine::new(config(World::limits()));
        let unsealed = engine.unseal(Arc::clone(&keyring), &mut store, UnixTime::from_seconds(now));
        let (engine, chain) = unsealed.map_err(|error| match error {
            EngineError::Store(error) => End::Store(Phase::Loading, error),
            other => End::Broken(Violation::Unopenable(other.to_string())),
        })?;
        let (receipt, dice, caller) = (store.receipt(), Dice::new(rng), everyone());
        Ok(Self { engine, chain, store, receipt, asked: Vec::new(), dice, caller, keyring })
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
        let expect = ledger.asked(ask);
        self.asked.push(Asked { ask, expect, pending });
        Ok(())
    }

    fn fetch(&mut self, need: Need) -> Result<Fetched, End> {
        let fetched = match need {
            Need::Row(slot) => self.store.token(slot).map(|row| row.map_or(Fetched::Nothing, Fetched::Row)),
            Need::Rows { trid, after, limit } => self.store.tokens_of(trid, after, limit).map(Fetched::Rows),
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
        if let Some(open) = taken {
            let group = self.chain.seal(open);
            let appended = self.store.append(&group);
            self.receipt = appended.map_err(|error| End::Store(Phase::Committing, error))?;
            self.engine.committed(self.receipt.newest());
        }
        self.tell(ledger)
    }

    /// Opens every answer whose group is durable.
    fn tell(&mut self, ledger: &mut Ledger) -> Result<(), End> {
        for Asked { ask, expect, pending } in std::mem::take(&mut self.asked) {
            match pending.open(&self.receipt) {
                Ok(answer) => ledger.told(ask, &expect, answer)?,
                Err(pending) => self.asked.push(Asked { ask, expect, pending }),
            }
        }
        Ok(())
    }

    /// Folds the journal and forgets what has expired.
    pub fn tidy(&mut self, ledger: &mut Ledger) -> Result<(), End> {
        let failed = |error| End::Store(Phase::Tidying, error);
        self.store.fold().map_err(failed)?;
        self.engine.expire(UnixTime::from_seconds(ledger.now));
        self.store.expire(ledger.now).map_err(failed)?;
        ledger.expire();
        Ok(())
    }

    /// Whether every answer was told.
    pub fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }

    /// The requests that are not answered yet.
    pub fn unanswered(&self) -> Vec<Ask> {
        self.asked.iter().map(|asked| asked.ask).collect()
    }

    /// Whether a store that failed refuses everything from then on.
    pub fn check_poisoned(&mut self, now: u64) -> Result<(), Violation> {
        let slot = tallystick::store::TokenSlot(0);
        let refusals = [
            ("a fold", self.store.fold()),
            ("an expiry", self.store.expire(now)),
            ("a read", self.store.token(slot).map(drop)),
        ];
        match refusals.into_iter().find(|(_, result)| *result != Err(StoreError::Poisoned)) {
            Some((what, result)) => Err(Violation::NotPoisoned(format!("{what}: {result:?}"))),
            None => Ok(()),
        }
    }
}
