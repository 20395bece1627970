//! What all points share: keys, and disks to begin with.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use secrecy::SecretSlice;
use tallystick::crypto::{Random, RandomError};
use tallystick::engine::Anchor;
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;

use crate::ask::{Ask, Deed};
use crate::disk::{Disk, Style};
use crate::drive::Drive;
use crate::ledger::Ledger;
use crate::life::{Life, Settings};
use crate::support::{CHEAP, NOW};
use crate::vfs::Mount;
use crate::workload;

/// Tokens on a page of the store.
const PAGE: usize = 224;

/// Keys, and disks to begin with. The same in each run.
#[derive(Debug)]
pub struct World {
    pub keyring: Arc<Keyring>,
    /// No store yet, one that was used, and one whose tokens soon need another page.
    beginnings: Vec<Beginning>,
}

/// A disk, and what is known of it.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub disk: Disk,
    pub ledger: Ledger,
    pub anchor: Option<Anchor>,
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
        let nothing = Beginning { disk: Disk::default(), ledger: Ledger::new(NOW), anchor: None };
        let used = world.used(nothing.clone(), 0);
        let crowded = world.used(nothing.clone(), PAGE - 3);
        world.beginnings = vec![nothing, used, crowded];
        world
    }

    /// A disk after some work and an orderly end, with tokens of others on it.
    fn used(&self, Beginning { disk, mut ledger, mut anchor }: Beginning, others: usize) -> Beginning {
        let (machine, mut rng) = (Machine::new(disk, 0), fastrand::Rng::with_seed(1));
        let settings = Settings::any(&mut rng);
        let mut life = Life::open(self, &machine, ledger.now, settings, &mut anchor, rng.fork()).unwrap();
        for pan in 0..others {
            life.ask(&mut ledger, Ask::of(Deed::any_pan(pan))).unwrap();
        }
        life.commit(&mut ledger, |_, _| Ok(())).unwrap();
        ledger.tokens.clear();
        for _ in 0..6 {
            workload::group(&mut life, &mut ledger, &mut rng).unwrap();
            anchor = life.anchor();
        }
        drop(life);
        Beginning { disk: machine.drive.after_outage(Some(Style::Nothing)), ledger, anchor }
    }

    /// Most points begin where there is something to lose.
    pub fn beginning(&self, rng: &mut fastrand::Rng) -> Beginning {
        self.beginnings[[0, 1, 1, 1, 2][rng.usize(..5)]].clone()
    }
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
        Self { drive, mount, path: Path::new(&directory).join("store") }
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
