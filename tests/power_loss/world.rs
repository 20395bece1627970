//! What all points share: keys, and disks to begin with.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use secrecy::SecretSlice;
use tallystick::crypto::{Random, RandomError};
use tallystick::engine::EngineLimits;
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;

use crate::disk::{Disk, Style};
use crate::drive::Drive;
use crate::ledger::{KEY_SECONDS, Ledger};
use crate::life::Life;
use crate::support::{CHEAP, NOW};
use crate::vfs::Mount;
use crate::workload;

/// The database's name on its drive.
const STORE: &str = "store";

/// Keys, and disks to begin with. The same in each run.
#[derive(Debug)]
pub struct World {
    pub keyring: Arc<Keyring>,
    /// A store that was just made, and one that was used.
    beginnings: Vec<(Disk, Ledger)>,
}

/// Seeded randomness for the engine.
#[derive(Debug)]
pub struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    pub const fn new(rng: fastrand::Rng) -> Self {
        Self(Mutex::new(rng))
    }
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.lock().map_err(|_| RandomError)?.fill(buffer);
        Ok(())
    }
}

impl World {
    pub fn shared() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(Self::new)
    }

    fn new() -> Self {
        let region = Region::new(64).unwrap();
        let passphrase: SecretSlice<u8> = b"correct horse".to_vec().into();
        let dice = Dice::new(fastrand::Rng::with_seed(0));
        let keys = OpenKeyring::create(&region, &dice, &passphrase, CHEAP).unwrap();
        let mut world = Self { keyring: Arc::new(keys.load().unwrap()), beginnings: Vec::new() };
        let young = made();
        let old = world.used(young.clone());
        world.beginnings = vec![(young, Ledger::new(NOW)), old];
        world
    }

    /// A disk after some work and an orderly end.
    fn used(&self, disk: Disk) -> (Disk, Ledger) {
        let (machine, mut ledger) = (Machine::new(disk, 0), Ledger::new(NOW));
        let mut rng = fastrand::Rng::with_seed(1);
        let mut life = Life::open(self, &machine, ledger.now, rng.fork()).unwrap();
        for _ in 0..4 {
            workload::group(&mut life, &mut ledger, &mut rng).unwrap();
        }
        life.tidy(&mut ledger).unwrap();
        drop(life);
        (machine.drive.after_outage(Some(Style::Nothing)), ledger)
    }

    pub fn beginning(&self, rng: &mut fastrand::Rng) -> (Disk, Ledger) {
        self.beginnings[rng.usize(..self.beginnings.len())].clone()
    }

    pub fn limits() -> EngineLimits {
        EngineLimits { idempotency_seconds: KEY_SECONDS, ..EngineLimits::default() }
    }
}

/// A new store.
fn made() -> Disk {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE);
    drop(tallystick::store::SqliteStore::open(&path).unwrap());
    Disk::with_file(STORE, std::fs::read(path).unwrap())
}

/// A machine with one drive, at a place of its own.
#[derive(Debug)]
pub struct Machine {
    pub drive: Arc<Drive>,
    mount: Mount,
    path: PathBuf,
}

impl Machine {
    pub fn new(disk: Disk, seed: u64) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let directory = format!("/drive-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let drive = Drive::new(disk, seed);
        let mount = Mount::new(Path::new(&directory), &drive);
        Self { drive, mount, path: Path::new(&directory).join(STORE) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Power is lost, if it is not yet, and comes back.
    pub fn reboot(&mut self, seed: u64) {
        self.drive.cut_power();
        self.drive = Drive::new(self.drive.after_outage(None), seed);
        self.mount.exchange(&self.drive);
    }
}
