//! The machine under test: one disk, one anchor, one keyring, and now and then a
//! running engine.

mod anchor;
mod attack;
mod commit;
mod desk;
mod standby;
mod start;

pub use anchor::{Keeper, Mood, Place};
pub use attack::Backup;
pub use standby::Standby;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tallystick::account::{BinController, TokenRange};
use tallystick::command::{Refusal, Reply};
use tallystick::crypto::PassphraseCost;
use tallystick::engine::{Chain, Engine, EngineConfig, EngineLimits, Need, Pending, Unsealed};
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::store::{CommitReceipt, Group, MemoryDisk, MemoryStore};
use tallystick::types::Network;

use crate::model::{Decision, Limits};
use crate::seeded::Seeded;
use crate::wish::Request;

/// What outlives a crash.
pub struct Server {
    pub disk: MemoryDisk,
    pub place: Place,
    pub keys: OpenKeyring,
    pub keyring: Arc<Keyring>,
    /// The keyring before the last rotation, if the anchor would know, and
    /// whether it was told already.
    pub older: Option<Arc<Keyring>>,
    pub older_is_told: bool,
    pub random: Seeded,
    pub config: EngineConfig,
    pub up: Option<Up>,
    /// Whether two nodes share the disk, and the one that does not serve.
    pub is_shared: bool,
    pub standby: Option<Standby>,
    /// Counts the starts, so that what belongs to one before is told apart.
    pub start: u64,
    /// The newest group known to be durable.
    pub durable: u64,
    /// The newest that was sealed, and may be durable.
    pub sealed: u64,
    pub backups: Vec<Backup>,
    pub sendings: u64,
}

/// A running engine with what is around it.
pub struct Up {
    pub engine: Engine<Unsealed>,
    pub chain: Chain,
    pub store: MemoryStore,
    pub receipt: CommitReceipt,
    pub keeper: Keeper,
    pub committer: Committer,
    pub closed: Option<Refusal>,
    /// When what has expired was last removed.
    pub tidied: u64,
    waiting: VecDeque<Waiting>,
    questions: Vec<(Rc<Sent>, Need)>,
}

/// What the committer is at.
pub enum Committer {
    Idle,
    /// It will look for work.
    Summoned,
    /// A group waits for room, or is being written.
    Busy(Box<Group>, bool),
    /// It is done with a group, and the engine has still to be told.
    Settling(u64, bool),
}

/// A request as it arrived: each sending is one.
#[derive(Debug)]
pub struct Sent {
    pub sending: u64,
    pub request: Rc<Request>,
    pub arrived: u64,
}

/// An answer that waits for its group.
struct Waiting {
    sent: Rc<Sent>,
    pending: Pending<Result<Reply, Refusal>>,
    decision: Decision,
}

/// An answer as it travels.
pub type Answer = Result<Vec<u8>, Refusal>;

/// A passphrase cost that a test can pay.
const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };

impl Server {
    pub fn new(seed: u64, limits: &Limits, journal_bytes: u64) -> Self {
        let random = Seeded::new(seed, "engine");
        // Keyrings of a rotation before and after, with their imported keys.
        let region = Region::new(1024).unwrap();
        let passphrase = b"correct horse".to_vec().into();
        let mut keys = OpenKeyring::create(&region, &random, &passphrase, CHEAP).unwrap();
        crate::field::import(&mut keys, &region, &random);
        let keyring = Arc::new(keys.load().unwrap());
        let config = EngineConfig {
            bin_controller: BinController::parse("TLY1").unwrap(),
            token_ranges: vec![
                (Network::Visa, TokenRange::parse("489537").unwrap()),
                (Network::Rupay, TokenRange::parse("608123").unwrap()),
                (Network::Amex, TokenRange::parse("371449").unwrap()),
            ],
            max_age_slots: u16::try_from(limits.age_slots).unwrap(),
            limits: EngineLimits {
                tokens: u32::try_from(limits.tokens).unwrap(),
                par_links: limits.links,
                idempotency_keys: limits.keys,
                idempotency_seconds: limits.key_seconds,
                journal_bytes,
                ..EngineLimits::default()
            },
        };
        Self {
            disk: MemoryDisk::new(),
            place: Place::default(),
            keys,
            keyring,
            older: None,
            older_is_told: false,
            random,
            config,
            up: None,
            is_shared: seed.is_multiple_of(2),
            standby: None,
            start: 0,
            durable: 0,
            sealed: 0,
            backups: Vec::new(),
            sendings: 0,
        }
    }
}

impl Up {
    /// Whether the committer has nothing to do.
    pub fn is_idle(&self) -> bool {
        matches!(self.committer, Committer::Idle)
    }

    /// Whether nothing waits for it, and it for nothing.
    pub fn is_quiet(&self) -> bool {
        self.is_idle() && !self.engine.has_open_group()
    }

    /// When the oldest request arrived that was not answered yet.
    pub fn oldest(&self) -> Option<u64> {
        let waiting = self.waiting.iter().map(|waiting| waiting.sent.arrived);
        waiting.chain(self.questions.iter().map(|(sent, _)| sent.arrived)).min()
    }
}
