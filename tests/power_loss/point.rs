//! One seeded run: some lives, each ended by an outage, a fault or a kill.

use crate::audit::violation;
use crate::drive::{Act, Aim, Blow, Faults, Lie, Of};
use crate::ledger::Violation;
use crate::life::{End, Life, Phase};
use crate::rig::Rig;

/// What was found at a point.
#[derive(Debug, Default)]
pub struct Findings {
    pub violations: Vec<Violation>,
    /// What each outage struck, and what the engine was about.
    pub struck: Vec<(Phase, Option<(Act, Of)>)>,
    /// Errors that were not outages.
    pub errors: u64,
    /// Processes killed while the power stayed.
    pub kills: u64,
    /// Answers that the disk is full.
    pub full: u64,
    /// Answers told.
    pub told: u64,
    /// What was done, for telling whether two runs are the same.
    pub acts: Vec<crate::drive::Event>,
}

/// How a life ends if the store does not fail before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Outage,
    Close,
    Kill,
}

/// Runs the point of a seed, on a drive that may lie.
pub fn run(seed: u64, lie: Option<Lie>) -> Findings {
    let mut point = Point { rig: Rig::new(seed), lie, findings: Findings::default() };
    let lives = [1, 1, 1, 2, 2, 3][point.rig.rng.usize(..6)];
    for left in (0..lives).rev() {
        point.live(left == 0);
        if !point.findings.violations.is_empty() {
            break;
        }
    }
    (point.findings.told, point.findings.full) = (point.rig.ledger.told, point.rig.ledger.full);
    point.findings
}

struct Point {
    rig: Rig,
    lie: Option<Lie>,
    findings: Findings,
}

impl Point {
    /// One life, from the start of the store to its end, and what it left.
    fn live(&mut self, last: bool) {
        let faults = self.plan();
        self.rig.machine.drive.plan(faults);
        let ending = match self.rig.rng.u8(..5) {
            0 => Ending::Close,
            1 if !last => Ending::Kill,
            _ => Ending::Outage,
        };
        let phase = match self.rig.open() {
            Ok(mut life) => {
                let end = self.work(&mut life).err();
                let phase = self.judge(end, Some(&mut life));
                self.rig.cut_off(&life);
                self.end(ending, Some(life));
                phase
            }
            Err(end) => {
                let phase = self.judge(Some(end), None);
                self.end(ending, None);
                phase
            }
        };
        self.take_stock(phase, ending);
    }

    /// An outage at some act, early or late, and now and then an error before.
    fn plan(&mut self) -> Faults {
        let rng = &mut self.rig.rng;
        let acts =
            [Act::Create, Act::Remove, Act::Rename, Act::Write, Act::Truncate, Act::Allocate, Act::Sync];
        let aim = match rng.u8(..10) {
            0..3 => Aim::any(rng.u64(1..40)),
            3..7 => Aim::any(rng.u64(1..500)),
            _ => {
                let of = [Of::Database, Of::Log][rng.usize(..2)];
                let nth = 1 + rng.u64(..12) * rng.u64(..12) / 12;
                Aim::at(acts[rng.usize(..acts.len())], of, nth)
            }
        };
        let faults = Faults::default().lying(self.lie).with(aim, Blow::Outage);
        if rng.u8(..6) != 0 {
            return faults;
        }
        let act = [Act::Write, Act::Sync, Act::Truncate][rng.usize(..3)];
        let nth = if act == Act::Write { rng.u64(1..200) } else { rng.u64(1..20) };
        faults.with(Aim { act: Some(act), of: None, nth }, Blow::Error)
    }

    fn work(&mut self, life: &mut Life) -> Result<(), End> {
        let rig = &mut self.rig;
        let fills_at = (rig.rng.u8(..6) == 0).then(|| rig.rng.usize(..20));
        for number in 0..rig.rng.usize(5..40) {
            if fills_at == Some(number) {
                let left = rig.rng.usize(..4) * 4096;
                rig.machine.drive.set_quota(Some(rig.machine.drive.used() + left));
            }
            match rig.group(life) {
                Err(End::NoRoom) => {
                    rig.machine.drive.set_quota(None);
                    life.append(&mut rig.ledger)?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// What a life was about when it ended; a failure without a reason is a violation.
    fn judge(&mut self, end: Option<End>, life: Option<&mut Life>) -> Phase {
        let drive = &self.rig.machine.drive;
        match end {
            None => Phase::Idle,
            Some(End::NoRoom) => Phase::Reserving,
            Some(End::Store(phase, error)) => {
                if drive.has_power() && !drive.has_failed() {
                    self.findings.violations.push(violation(End::Store(phase, error)));
                } else if let Some(life) = life.filter(|_| phase != Phase::Loading) {
                    self.findings.violations.extend(life.check_poisoned().err());
                }
                phase
            }
            Some(End::Broken(violation)) => {
                self.findings.violations.push(violation);
                Phase::Idle
            }
        }
    }

    fn end(&mut self, ending: Ending, life: Option<Life>) {
        let drive = &self.rig.machine.drive;
        match ending {
            Ending::Outage => drive.cut_power(),
            Ending::Kill => drive.kill(),
            Ending::Close => {}
        }
        drop(life);
    }

    /// Brings the power back if it is gone, and audits what is there.
    fn take_stock(&mut self, phase: Phase, ending: Ending) {
        let drive = &self.rig.machine.drive;
        self.findings.acts.extend(drive.trace());
        self.findings.errors += u64::from(drive.has_failed());
        if drive.has_power() && ending == Ending::Kill {
            self.findings.kills += 1;
        } else {
            self.findings.struck.push((phase, drive.struck().map(|event| (event.act, event.of))));
            self.rig.reboot();
        }
        if self.findings.violations.is_empty() {
            self.findings.violations = self.rig.audit();
        }
    }
}
