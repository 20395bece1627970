//! A bench on which an engine runs against a disk in memory.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod house;

use std::sync::Arc;

use secrecy::SecretSlice;
use tallystick::account::{BinController, TokenRange};
use tallystick::command::{
    Caller, CardSource, ChangeStatus, Command, Issue, Issued, Provision, Refusal, Reply, Request, Role,
    Roles, TokenView, Verify,
};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::engine::{
    Chain, Context, Engine, EngineConfig, EngineError, EngineLimits, Fetched, Mint, Need, Outcome, Unsealed,
};
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::store::{
    CommitReceipt, Group, GroupNumber, MemoryDisk, MemoryStore, Record, Store, StoreError,
};
use tallystick::types::{
    Consent, Cryptogram, Domain, Evidence, Expiry, IdempotencyKey, Network, Pan, ProviderName, Reference,
    StatusEvent, TokenNumber, Transaction, Trid, UnixTime,
};

/// 2027-01-15 08:00:00 UTC.
pub const NOW: u64 = 1_800_000_000;
pub const PAN: &[u8] = b"4111111111111111";
pub const TRID: &[u8] = b"40010000001";

/// An engine, its store and its clock.
pub struct Rig {
    pub disk: MemoryDisk,
    pub keys: OpenKeyring,
    pub keyring: Arc<Keyring>,
    pub engine: Engine<Unsealed>,
    pub chain: Chain,
    pub store: MemoryStore,
    pub receipt: CommitReceipt,
    pub caller: Caller,
    pub now: u64,
    pub limits: EngineLimits,
    /// How many records the newest group had.
    pub written: usize,
    /// How many bytes it had: those of the journal, rows, records and pages.
    pub written_bytes: usize,
    /// The group that its anchor has been told of: with no anchor, every one.
    pub told: GroupNumber,
}

/// A passphrase cost that tests can pay.
pub const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };

pub fn config(limits: EngineLimits) -> EngineConfig {
    EngineConfig {
        bin_controller: BinController::parse("TLY1").unwrap(),
        token_ranges: vec![
            (Network::Visa, TokenRange::parse("489537").unwrap()),
            (Network::Rupay, TokenRange::parse("608123").unwrap()),
            (Network::Amex, TokenRange::parse("371449").unwrap()),
        ],
        max_age_slots: 144,
        limits,
    }
}

pub fn everyone() -> Caller {
    Caller::new("owner", Roles::of(&Role::ALL), None)
}

pub fn new_keys() -> OpenKeyring {
    let region = Region::new(256).unwrap();
    let passphrase: SecretSlice<u8> = b"correct horse".to_vec().into();
    OpenKeyring::create(&region, &SystemRandom, &passphrase, CHEAP).unwrap()
}

pub fn open(
    disk: &MemoryDisk,
    keyring: &Arc<Keyring>,
    limits: EngineLimits,
    now: u64,
) -> Result<(Engine<Unsealed>, Chain, MemoryStore, CommitReceipt), EngineError> {
    let mut store = MemoryStore::open(disk);
    let now = UnixTime::from_seconds(now);
    let (engine, chain) = Engine::new(config(limits)).unseal(Arc::clone(keyring), &mut store, &[], now)?;
    let receipt = store.receipt();
    Ok((engine, chain, store, receipt))
}

impl Rig {
    pub fn new() -> Self {
        Self::with_limits(EngineLimits::default())
    }

    pub fn with_limits(limits: EngineLimits) -> Self {
        let (disk, keys) = (MemoryDisk::new(), new_keys());
        let keyring = Arc::new(keys.load().unwrap());
        let (engine, chain, store, receipt) = open(&disk, &keyring, limits, NOW).unwrap();
        Self {
            disk,
            keys,
            keyring,
            engine,
            chain,
            store,
            receipt,
            caller: everyone(),
            now: NOW,
            limits,
            written: 0,
            written_bytes: 0,
            told: GroupNumber(u64::MAX),
        }
    }

    /// A crash: whatever was not committed is gone; then a start.
    pub fn restart(&mut self) {
        let opened = open(&self.disk, &self.keyring, self.limits, self.now).unwrap();
        (self.engine, self.chain, self.store, self.receipt) = opened;
    }

    /// A start as one of several nodes, without an anchor yet.
    pub fn join(&mut self, name: u32) {
        let mut store = MemoryStore::join(&self.disk, name);
        let (keyring, now) = (Arc::clone(&self.keyring), UnixTime::from_seconds(self.now));
        let opened = Engine::new(config(self.limits)).unseal(keyring, &mut store, &[None], now);
        (self.engine, self.chain) = opened.unwrap();
        (self.receipt, self.store) = (store.receipt(), store);
    }

    /// Loads the keyring again, after a rotation.
    pub fn reload_keys(&mut self) {
        self.keyring = Arc::new(self.keys.load().unwrap());
        self.restart();
    }

    /// Commits what is open.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if let Some(open) = self.engine.take_group() {
            let group = self.chain.seal(open, self.told);
            self.written = group.records.len();
            self.written_bytes = bytes_of(&group);
            self.receipt = self.store.append(&group)?;
            self.engine.committed(self.receipt.newest());
        }
        Ok(())
    }

    /// Executes, commits, and opens the answer.
    pub fn run(&mut self, command: Command<'_>) -> Result<Reply, Refusal> {
        self.run_request(&Request { command, idempotency: None, body: b"" })
    }

    /// Executes under an idempotency key.
    pub fn run_keyed(&mut self, key: &[u8], body: &[u8], command: Command<'_>) -> Result<Reply, Refusal> {
        let idempotency = IdempotencyKey::parse(key).ok();
        self.run_request(&Request { command, idempotency, body })
    }

    pub fn run_request(&mut self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let mut fetched = Fetched::Nothing;
        let pending = loop {
            let caller = self.caller.clone();
            let now = UnixTime::from_seconds(self.now);
            let context = Context { now, random: &SystemRandom, caller: &caller };
            match self.engine.execute(context, request, None, &fetched) {
                Outcome::Answer(pending) => break pending,
                Outcome::Fetch(Need::Row(slot)) => {
                    fetched = Fetched::Row(self.store.token(slot).unwrap().unwrap());
                }
                Outcome::Fetch(Need::Range { after, limit }) => {
                    fetched = Fetched::Rows(self.store.tokens_after(after, limit).unwrap());
                }
                Outcome::Fetch(Need::Rows { trid, after, limit }) => {
                    fetched = Fetched::Rows(self.store.tokens_of(trid, after, limit).unwrap());
                }
            }
        };
        let pending = pending.compute(&Mint::new(&self.keyring));
        self.commit().unwrap();
        pending.open(&self.receipt).expect("the receipt covers its group")
    }

    pub fn provision(&mut self) -> TokenView {
        token_of(self.run(Command::Provision(Box::new(card(PAN, "2912")))))
    }

    pub fn status(&mut self, token: TokenNumber, event: StatusEvent) -> Result<Reply, Refusal> {
        self.run(Command::ChangeStatus(ChangeStatus { token, provider: None, event }))
    }

    pub fn issue(&mut self, token: TokenNumber, transaction: Transaction<'_>) -> Result<Cryptogram, Refusal> {
        match self.run(Command::Issue(Issue { token, trid: trid(), transaction }))? {
            Reply::Issued(Issued { cryptogram, .. }) => Ok(cryptogram),
            other => panic!("{other:?}"),
        }
    }

    pub fn verify(
        &mut self,
        token: &TokenView,
        transaction: Transaction<'_>,
        cryptogram: Cryptogram,
    ) -> Result<u32, Refusal> {
        let verify =
            Verify { token: token.token, expiry: token.expiry, trid: token.trid, transaction, cryptogram };
        match self.run(Command::Verify(verify))? {
            Reply::Verified(verified) => Ok(verified.atc.get()),
            other => panic!("{other:?}"),
        }
    }
}

/// What a store writes for a group.
fn bytes_of(group: &Group) -> usize {
    let of = |record: &Record| record.key.len() + record.body.as_ref().map_or(0, Vec::len);
    let records: usize = group.records.iter().map(of).sum();
    let rows: usize = group.tokens.iter().map(|row| row.body.len()).sum();
    let pages: usize = group.pages.iter().map(|page| page.body.len()).sum();
    group.body.len() + rows + records + pages
}

pub fn trid() -> Trid {
    Trid::parse(TRID).unwrap()
}

pub fn token_of(reply: Result<Reply, Refusal>) -> TokenView {
    match reply {
        Ok(Reply::Token(view)) => *view,
        other => panic!("{other:?}"),
    }
}

pub fn evidence() -> Evidence {
    Evidence {
        provider: Reference::parse("razorpay").unwrap(),
        reference: Reference::parse("pay_29QQoUBi66xm2f").unwrap(),
        auth_reference: None,
    }
}

/// A card to be saved, with consent.
pub fn card(pan: &[u8], expiry: &str) -> Provision {
    let _given = Consent::given(true).unwrap();
    Provision {
        card: CardSource::Clear {
            pan: Pan::parse(pan).unwrap(),
            expiry: Expiry::parse(expiry.as_bytes()).unwrap(),
        },
        trid: trid(),
        evidence: evidence(),
        par: None,
        domain: Domain::default(),
        providers: None,
    }
}

pub fn provider(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}
