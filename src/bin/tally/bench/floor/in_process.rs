//! Issuing in this process, without a store, beside the bare HMACs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tallystick::account::{BinController, TokenRange};
use tallystick::command::{Caller, Command, Issue, Provision, Reply, Request, Role, Roles};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::cryptogram::native::Deriver;
use tallystick::engine::{
    Chain, Context, Engine, EngineConfig, EngineLimits, Fetched, Mint, Outcome, Unsealed,
};
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::store::{GroupNumber, MemoryDisk, MemoryStore, Store};
use tallystick::types::{Cryptogram, Network, TokenNumber, UnixTime};

use super::TOKENS;
use super::row::{Bar, Floor, Row, Unit};
use crate::bench::mac::BareMacs;
use crate::bench::number::float;
use crate::bench::tokens::{Hand, Tokens, card};
use crate::bench::turns::{MANY, in_turns};
use crate::bench::worker::transaction;
use crate::output::Failure;

/// Issues decided together, as on a connection of that depth.
const BATCH: u32 = 256;

/// An engine with tokens and keys. Its store is for what comes before the
/// measurement.
struct Rig {
    engine: Engine<Unsealed>,
    chain: Chain,
    store: MemoryStore,
    keyring: Arc<Keyring>,
    caller: Caller,
    hand: Hand,
}

/// The row of issuing in process.
pub fn measure(limit: Duration) -> Result<Vec<Row>, Failure> {
    let mut rig = Rig::new()?;
    let mut macs = rig.bare_macs()?;
    let mut nth = 0;
    let mut issue = |limit| time(limit, || rig.issue_batch());
    let mut bare = |limit| {
        time(limit, || {
            nth += BATCH;
            (0..BATCH).try_for_each(|one| macs.compute(nth + one))
        })
    };
    let turns = in_turns(limit, MANY, [&mut issue, &mut bare])?;
    let (figure, floor) = Floor::of(&turns, "its bare HMACs");
    Ok(vec![Row {
        name: "issue_in_process",
        what: "issue in process, without store".to_owned(),
        unit: Unit::Nanoseconds,
        figure,
        floor: Some(floor),
        bar: Bar::RatioAtMost(2.5),
        beside: json!({"tokens": TOKENS, "batch": BATCH}),
    }])
}

/// Nanoseconds of one of the operations in `batch`.
fn time(limit: Duration, mut batch: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let (start, mut batches) = (Instant::now(), 0);
    while start.elapsed() < limit || batches == 0 {
        batch()?;
        batches += 1;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / (float(batches) * f64::from(BATCH)))
}

impl Rig {
    fn new() -> Result<Self, Failure> {
        const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
        let region = Region::new(32)?;
        let keys = OpenKeyring::create(&region, &SystemRandom, &b"for a bench".to_vec().into(), CHEAP)?;
        let keyring = Arc::new(keys.load()?);
        let config = EngineConfig {
            bin_controller: BinController::parse("TLY1")?,
            token_ranges: vec![(Network::Visa, TokenRange::parse("489537")?)],
            max_age_slots: 144,
            limits: EngineLimits::default(),
        };
        let mut store = MemoryStore::open(&MemoryDisk::new());
        let now = UnixTime::from_system_clock();
        let (engine, chain) = Engine::new(config).unseal(Arc::clone(&keyring), &mut store, &[], now)?;
        let caller = Caller::new("bench", Roles::of(&Role::ALL), None);
        let hand = Tokens::shuffled(Vec::new())?.hand(0, 1);
        let mut rig = Self { engine, chain, store, keyring, caller, hand };
        let tokens = (0..TOKENS).map(|nth| rig.provision(card(nth)?)).collect::<Result<_, _>>()?;
        rig.hand = Tokens::shuffled(tokens)?.hand(0, 1);
        Ok(rig)
    }

    /// Decides a batch, computes its cryptograms and lets go of its group.
    fn issue_batch(&mut self) -> Result<(), Failure> {
        let mint = Mint::new(&self.keyring);
        let now = UnixTime::from_system_clock();
        let context = Context { now, random: &SystemRandom, caller: &self.caller };
        let trid = self.hand.tokens().trid;
        let mut decided = Vec::with_capacity(usize::try_from(BATCH)?);
        for _ in 0..BATCH {
            let token = self.hand.next().ok_or_else(nothing)?;
            let command = Command::Issue(Issue { token, trid, transaction: transaction() });
            let request = Request { command, idempotency: None, body: b"" };
            match self.engine.execute(context, &request, None, &Fetched::Nothing) {
                Outcome::Answer(pending) => decided.push(pending),
                Outcome::Fetch(_) => return Err(nothing()),
            }
        }
        for pending in decided {
            drop(black_box(pending.compute(&mint)));
        }
        drop(black_box(self.engine.take_group()));
        Ok(())
    }

    /// The bare HMACs of these tokens, checked against a cryptogram.
    fn bare_macs(&mut self) -> Result<BareMacs, Failure> {
        let tokens = self.hand.tokens();
        let (expiry, trid) = (tokens.expiry, tokens.trid);
        let token = self.hand.next().ok_or_else(nothing)?;
        let reply = self.execute(Command::Issue(Issue { token, trid, transaction: transaction() }))?;
        let Reply::Issued(issued) = reply else { return Err(nothing()) };
        let cryptogram: Cryptogram = issued.cryptogram;
        let (units, currency) = transaction().amount.ok_or_else(nothing)?;
        let amount = [&units.minor_units().to_be_bytes()[..], &currency.code().to_be_bytes()].concat();
        let covered = [&trid.digits()[..], &expiry.digits(), &amount].concat();
        let key = Deriver::new(self.keyring.token_derivation.active().1).derive(token);
        let macs = BareMacs::new()?;
        macs.check(key.as_bytes(), &cryptogram, &covered)?;
        Ok(macs)
    }

    fn provision(&mut self, card: Provision) -> Result<TokenNumber, Failure> {
        match self.execute(Command::Provision(Box::new(card)))? {
            Reply::Token(view) => Ok(view.token),
            _ => Err(nothing()),
        }
    }

    /// Executes one command as if its group were durable.
    fn execute(&mut self, command: Command<'_>) -> Result<Reply, Failure> {
        let now = UnixTime::from_system_clock();
        let context = Context { now, random: &SystemRandom, caller: &self.caller };
        let request = Request { command, idempotency: None, body: b"" };
        let Outcome::Answer(pending) = self.engine.execute(context, &request, None, &Fetched::Nothing) else {
            return Err(nothing());
        };
        let pending = pending.compute(&Mint::new(&self.keyring));
        let group = self.engine.take_group().ok_or_else(nothing)?;
        let receipt = self.store.append(&self.chain.seal(group, GroupNumber(u64::MAX)))?;
        self.engine.committed(receipt.newest());
        let answer = pending.open(&receipt).map_err(|_| nothing())?;
        answer.map_err(|refusal| Failure::new(refusal.to_string()))
    }
}

fn nothing() -> Failure {
    Failure::new("the engine did not do what was asked")
}
