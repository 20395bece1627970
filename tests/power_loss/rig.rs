//! A machine with a store, and the client who knows what it was told.

use fastrand::Rng;
use tallystick::engine::Anchor;

use crate::audit::audit;
use crate::ledger::{Ledger, Violation};
use crate::life::{End, Life, Settings};
use crate::workload;
use crate::world::{Beginning, Machine, World};

pub struct Rig {
    pub world: &'static World,
    pub machine: Machine,
    pub settings: Settings,
    pub ledger: Ledger,
    pub anchor: Option<Anchor>,
    pub rng: Rng,
}

impl Rig {
    /// The rig of a seed.
    pub fn new(seed: u64) -> Self {
        let (world, mut rng) = (World::shared(), Rng::with_seed(seed));
        let Beginning { disk, ledger, anchor } = world.beginning(&mut rng);
        let (machine, settings) = (Machine::new(disk, rng.u64(..)), Settings::any(&mut rng));
        Self { world, machine, settings, ledger, anchor, rng }
    }

    /// Starts the engine.
    pub fn open(&mut self) -> Result<Life, End> {
        let Self { world, machine, settings, ledger, anchor, rng } = self;
        Life::open(world, machine, ledger.now, *settings, anchor, rng.fork())
    }

    /// Asks for a group of things, and now and then for something beside.
    pub fn group(&mut self, life: &mut Life) -> Result<(), End> {
        workload::group(life, &mut self.ledger, &mut self.rng)?;
        if self.settings.anchored && self.rng.bool() {
            self.anchor = life.anchor();
        }
        if self.rng.u8(..8) == 0 { life.expire(&mut self.ledger) } else { Ok(()) }
    }

    /// What the client will never hear of is cut off.
    pub fn cut_off(&mut self, life: &Life) {
        self.ledger.cut_off(life.unanswered());
    }

    /// Power is lost, if it is not yet, and comes back.
    pub fn reboot(&mut self) {
        self.machine.reboot(self.rng.u64(..));
    }

    /// What is broken of all that was promised, by the disk as it stands.
    pub fn audit(&mut self) -> Vec<Violation> {
        let disk = self.machine.drive.state().disk.clone();
        let found = Beginning { disk, ledger: self.ledger.clone(), anchor: self.anchor };
        audit(self.world, found, self.settings, &mut self.rng)
    }
}
