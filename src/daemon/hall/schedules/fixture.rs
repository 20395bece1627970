//! A hall on a disk in memory with one token, with its committer running, and a
//! book of what went where.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as Plain, OnceLock};
use std::time::Duration;

use super::super::*;
use super::one_in;
use crate::account::{BinController, TokenRange};
use crate::command::{
    Caller, CardSource, ChangeStatus, Command, Issue, Provision, Refusal, Reply, Request, Role, Roles,
    TokenView,
};
use crate::crypto::{PassphraseCost, SystemRandom};
use crate::daemon::anchor::Keeper;
use crate::daemon::sync::{JoinHandle, pass, spawn};
use crate::engine::{Answer, Chain, Context, EngineConfig, EngineLimits, Mint, Outcome, Pending};
use crate::keys::{Keyring, OpenKeyring};
use crate::secmem::Region;
use crate::store::{
    Epoch, Faults, Follow, Group, Load, MemoryDisk, MemoryStore, Room, Store, TokenRow, TokenSlot,
};
use crate::types::{
    Domain, Evidence, Expiry, Network, Pan, Reference, StatusEvent, Transaction, Trid, UnixTime,
};

/// Longer than the committer waits before it looks for room.
pub const LOOK: Duration = Duration::from_millis(100);

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

/// Keys, and a disk with a token on it. Made once: they are the same for all.
struct Ground {
    keyring: Arc<Keyring>,
    disk: MemoryDisk,
    token: TokenView,
}

pub struct Hotel {
    pub hall: Arc<Hall>,
    pub disk: MemoryDisk,
    committer: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    book: Arc<Plain<Book>>,
}

/// What was appended, and what was answered.
#[derive(Default)]
struct Book {
    appended: u64,
    answered: BTreeSet<u32>,
}

/// A store that writes down what it did, and lets others run in the middle.
struct Watched {
    store: MemoryStore,
    book: Arc<Plain<Book>>,
}

pub fn keyring() -> Arc<Keyring> {
    static KEYRING: OnceLock<Arc<Keyring>> = OnceLock::new();
    let make = || {
        let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
        let passphrase = b"correct horse".to_vec().into();
        let open = OpenKeyring::create(&Region::new(64).unwrap(), &SystemRandom, &passphrase, cost).unwrap();
        Arc::new(open.load().unwrap())
    };
    Arc::clone(KEYRING.get_or_init(make))
}

fn unseal(disk: &MemoryDisk) -> (Engine<Unsealed>, Chain, MemoryStore) {
    unseal_from(MemoryStore::open(disk))
}

fn unseal_from(mut store: MemoryStore) -> (Engine<Unsealed>, Chain, MemoryStore) {
    let config = EngineConfig {
        bin_controller: BinController::parse("TLY1").unwrap(),
        token_ranges: vec![(Network::Visa, TokenRange::parse("489537").unwrap())],
        max_age_slots: 144,
        // So short a journal that pages are written with nearly every group.
        limits: EngineLimits { journal_bytes: 256, ..EngineLimits::default() },
    };
    let (engine, chain) = Engine::new(config).unseal(keyring(), &mut store, &[], NOW).unwrap();
    (engine, chain, store)
}

fn execute<'a>(engine: &mut Engine<Unsealed>, command: Command<'a>, fetched: &Fetched) -> Outcome<'a> {
    let caller = Caller::new("owner", Roles::of(&Role::ALL), None);
    let context = Context { now: NOW, random: &SystemRandom, caller: &caller };
    engine.execute(context, &Request { command, idempotency: None, body: b"" }, None, fetched)
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let disk = MemoryDisk::new();
        let (mut engine, mut chain, mut store) = unseal(&disk);
        let provision = Provision {
            card: CardSource::Clear {
                pan: Pan::parse(b"4111111111111111").unwrap(),
                expiry: Expiry::parse(b"2912").unwrap(),
            },
            trid: Trid::parse(b"40010000001").unwrap(),
            evidence: Evidence {
                provider: Reference::parse("p").unwrap(),
                reference: Reference::parse("r").unwrap(),
                auth_reference: None,
            },
            par: None,
            domain: Domain::default(),
            providers: None,
        };
        let outcome = execute(&mut engine, Command::Provision(Box::new(provision)), &Fetched::Nothing);
        let Outcome::Answer(pending) = outcome else { panic!("provisioning reads nothing") };
        let group = chain.seal(engine.take_group().unwrap(), GroupNumber(u64::MAX));
        let receipt = store.append(&group).unwrap();
        let Ok(Ok(Reply::Token(token))) = pending.compute(&Mint::new(&keyring())).open(&receipt) else {
            panic!()
        };
        Ground { keyring: keyring(), disk, token: *token }
    })
}

impl Hotel {
    /// Opens a copy of the ground, without an anchor.
    pub fn open(faults: Faults, room: Room) -> Arc<Self> {
        Self::open_with(faults, room, |_, _| Keeper::none())
    }

    /// The same, as the one node of a store that could be shared.
    pub fn open_shared(faults: Faults) -> Arc<Self> {
        let disk = ground().disk.backup();
        disk.plan(faults);
        let opened = unseal_from(MemoryStore::join(&disk, 0));
        Self::serve(disk, opened, |_, _| Keeper::none())
    }

    /// Opens it with the keeper that comes of epoch and chain.
    pub fn open_with(faults: Faults, room: Room, keeper: impl FnOnce(Epoch, &Chain) -> Keeper) -> Arc<Self> {
        let disk = ground().disk.backup();
        disk.plan(faults);
        disk.set_room(room);
        let opened = unseal(&disk);
        Self::serve(disk, opened, keeper)
    }

    fn serve(
        disk: MemoryDisk,
        (engine, chain, store): (Engine<Unsealed>, Chain, MemoryStore),
        keeper: impl FnOnce(Epoch, &Chain) -> Keeper,
    ) -> Arc<Self> {
        let (receipt, epoch) = (store.receipt(), store.epoch());
        let book = Book { appended: receipt.newest().0, answered: BTreeSet::new() };
        let book = Arc::new(Plain::new(book));
        let hotel = Arc::new(Self {
            hall: Arc::new(Hall::new(engine, receipt)),
            disk,
            committer: Mutex::new(None),
            book: Arc::clone(&book),
        });
        let keeper = keeper(epoch, &chain);
        let store = Box::new(Watched { store, book });
        let committer = Committer::new(Arc::clone(&hotel.hall), store, chain, keeper, || NOW);
        *hotel.committer.lock().unwrap() = Some(spawn("committer", move || committer.run()).unwrap());
        hotel
    }

    /// Decides once; what must be read is read.
    fn decide(&self, command: impl Fn() -> Command<'static>) -> Result<Result<Reply, Refusal>, Stopped> {
        let mut fetched = Fetched::Nothing;
        loop {
            let (outcome, duty) =
                self.hall.decide_and_commit(|engine| execute(engine, command(), &fetched))?;
            // Some have a handful, some much.
            let duty = duty.filter(|_| one_in(2));
            match outcome {
                Outcome::Fetch(need) => fetched = self.hall.fetch(need)?,
                Outcome::Answer(pending) => {
                    let pending = pending.compute(&Mint::new(&ground().keyring));
                    duty.into_iter().for_each(Duty::commit);
                    let receipt = self.hall.wait_for(pending.group())?;
                    let appended = self.durable();
                    assert!(appended >= pending.group().0, "an answer left before it was durable");
                    assert!(appended >= receipt.newest().0, "a receipt came before its group");
                    return Ok(pending.open(&receipt).expect("the receipt covers the group"));
                }
            }
        }
    }

    /// Asks again and again while there is no room.
    fn insist(&self, command: impl Fn() -> Command<'static>) -> Result<Reply, Stopped> {
        loop {
            match self.decide(&command)? {
                Ok(reply) => return Ok(reply),
                Err(Refusal::StorageFull) => {
                    pass(LOOK);
                    shuttle::thread::yield_now();
                }
                Err(Refusal::TokenSuspended) => shuttle::thread::yield_now(),
                Err(refusal) => panic!("{refusal}"),
            }
        }
    }

    pub fn issue(&self) -> Result<(), Stopped> {
        match self.insist(issue)? {
            Reply::Issued(issued) => {
                let atc = issued.cryptogram.header().unwrap().atc.get();
                assert!(self.book.lock().unwrap().answered.insert(atc), "counter {atc} was issued twice");
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Decides something and does not wait for it.
    pub fn decide_only(&self) -> Pending<Answer<'static>> {
        let outcome = self.hall.decide(|engine| execute(engine, issue(), &Fetched::Nothing)).unwrap();
        let Outcome::Answer(pending) = outcome else { panic!("issuing reads nothing") };
        pending
    }

    /// Whether new work is refused.
    pub fn is_closed(&self) -> bool {
        self.hall.decide(|engine| engine.closed()).unwrap().is_some()
    }

    pub fn suspend_and_resume(&self) -> Result<(), Stopped> {
        self.insist(|| status(StatusEvent::Suspend))?;
        self.insist(|| status(StatusEvent::Resume)).map(drop)
    }

    pub fn show(&self) -> Result<(), Stopped> {
        self.insist(|| Command::Show(ground().token.token)).map(drop)
    }

    pub fn horizon(&self) -> GroupNumber {
        self.hall.decide(|engine| engine.horizon()).unwrap()
    }

    /// The newest group that the store has.
    pub fn durable(&self) -> u64 {
        self.book.lock().unwrap().appended
    }

    /// Closes and waits for the committer to end. The second time it has.
    pub fn close(&self) -> Result<(), StoreError> {
        self.hall.close();
        let committer = self.committer.lock().unwrap().take();
        committer.expect("it is closed once").join().unwrap()
    }

    /// After the end: every counter that was answered is on the disk, so that the
    /// next one is another.
    pub fn check_books(&self) {
        let (mut engine, mut chain, mut store) = unseal(&self.disk.backup());
        let row = store.token(TokenSlot(0)).unwrap().map_or(Fetched::Nothing, Fetched::Row);
        // It may have ended in the middle of a guest's stay.
        let resumed = execute(&mut engine, status(StatusEvent::Resume), &row);
        assert!(matches!(resumed, Outcome::Answer(_)));
        let Outcome::Answer(pending) = execute(&mut engine, issue(), &Fetched::Nothing) else { panic!() };
        let group = chain.seal(engine.take_group().unwrap(), GroupNumber(u64::MAX));
        let receipt = store.append(&group).unwrap();
        let reply = pending.compute(&Mint::new(&ground().keyring)).open(&receipt).unwrap();
        let Ok(Reply::Issued(issued)) = reply else { panic!("{reply:?}") };
        let next = issued.cryptogram.header().unwrap().atc.get();
        let answered = &self.book.lock().unwrap().answered;
        assert!(answered.last().is_none_or(|last| *last < next), "a counter that was answered is lost");
    }
}

fn issue() -> Command<'static> {
    let TokenView { token, trid, .. } = ground().token;
    Command::Issue(Issue { token, trid, transaction: Transaction::UNKNOWN })
}

fn status(event: StatusEvent) -> Command<'static> {
    Command::ChangeStatus(ChangeStatus { token: ground().token.token, provider: None, event })
}

impl Store for Watched {
    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn turn(&mut self, sink: &mut dyn Follow) -> Result<(), StoreError> {
        shuttle::thread::yield_now();
        self.store.turn(sink)
    }

    fn rest(&mut self) -> Result<(), StoreError> {
        self.store.rest()
    }

    fn epoch(&self) -> Epoch {
        self.store.epoch()
    }

    fn anchored(&self) -> Epoch {
        self.store.anchored()
    }

    fn set_anchored(&mut self) -> Result<(), StoreError> {
        self.store.set_anchored()
    }

    fn outgrow(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        self.store.outgrow(epoch)
    }

    fn receipt(&self) -> CommitReceipt {
        self.store.receipt()
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.store.load(sink)
    }

    fn reserve(&mut self, group: Option<&Group>) -> Result<Room, StoreError> {
        self.store.reserve(group)
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        shuttle::thread::sleep(Duration::ZERO);
        let receipt = self.store.append(group)?;
        let mut book = self.book.lock().unwrap();
        assert_eq!(group.number.0, book.appended + 1, "groups are appended in order");
        book.appended = group.number.0;
        drop(book);
        shuttle::thread::sleep(Duration::ZERO);
        Ok(receipt)
    }

    fn token(&mut self, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
        shuttle::thread::sleep(Duration::ZERO);
        self.store.token(slot)
    }

    fn tokens_of(
        &mut self,
        trid: Trid,
        after: Option<TokenSlot>,
        most: usize,
    ) -> Result<Vec<TokenRow>, StoreError> {
        self.store.tokens_of(trid, after, most)
    }

    fn tokens_after(&mut self, after: Option<TokenSlot>, most: usize) -> Result<Vec<TokenRow>, StoreError> {
        self.store.tokens_after(after, most)
    }

    fn journal_bytes(&self) -> u64 {
        self.store.journal_bytes()
    }

    fn expire(&mut self, now: u64) -> Result<bool, StoreError> {
        self.store.expire(now)
    }
}
