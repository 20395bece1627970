//! A sync that fails ends the engine: what it lost cannot be known.

use crate::drive::{Act, Aim, Blow, Faults, Of};
use crate::ledger::Violation;
use crate::life::{End, Life, Phase};
use crate::rig::Rig;

/// What comes after the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Outage,
    /// The store is closed in order, then power is lost.
    Close,
    /// The process is killed; a new one finds what the cache shows, works on, and
    /// power is lost.
    Kill,
}

/// Works until the store fails; none if that never comes.
fn until_failure(rig: &mut Rig, life: &mut Life) -> Option<Phase> {
    (0..60).find_map(|_| match rig.group(life) {
        Ok(()) => None,
        Err(End::Store(phase, _)) => Some(phase),
        Err(other) => panic!("{other:?}"),
    })
}

/// Has the `nth` sync of a file fail and checks all that must follow. The phase
/// in which it failed, if it did.
fn fail(seed: u64, of: Of, nth: u64, after: After) -> Option<Phase> {
    let mut rig = Rig::new(seed);
    let mut life = rig.open().unwrap();
    rig.machine.drive.plan(Faults::default().with(Aim::at(Act::Sync, of, nth), Blow::Error));
    let phase = until_failure(&mut rig, &mut life)?;
    let case = format!("seed {seed}, {of:?} {nth}, {after:?}");
    let acts = rig.machine.drive.trace();
    assert_eq!(acts.last().map(|event| (event.act, event.of)), Some((Act::Sync, of)), "{case}");
    assert_eq!(life.check_poisoned(), Ok(()), "{case}");
    assert_eq!(rig.machine.drive.trace(), acts, "nothing more is asked of the drive: {case}");
    rig.cut_off(&life);
    match after {
        After::Outage => rig.machine.drive.cut_power(),
        After::Close => {}
        After::Kill => rig.machine.drive.kill(),
    }
    drop(life);
    if after == After::Kill {
        go_on(&mut rig);
    }
    rig.reboot();
    assert_eq!(rig.audit(), Vec::<Violation>::new(), "{case}");
    Some(phase)
}

/// A new process finds the same cache, is told of it, and loses power.
fn go_on(rig: &mut Rig) {
    assert_eq!(rig.audit(), Vec::<Violation>::new());
    let mut life = rig.open().unwrap();
    for _ in 0..3 {
        rig.group(&mut life).unwrap();
    }
    rig.cut_off(&life);
    rig.machine.drive.cut_power();
}

#[test]
fn of_the_log_ends_the_engine_and_loses_nothing() {
    for seed in 0..40 {
        for after in [After::Outage, After::Close, After::Kill] {
            let phase = fail(seed, Of::Log, 1 + seed % 8, after).expect("each commit syncs the log");
            assert!(phase != Phase::Opening);
        }
    }
}

#[test]
fn of_the_database_ends_the_engine_and_loses_nothing() {
    let mut failed = 0;
    for seed in 0..40 {
        for after in [After::Outage, After::Close, After::Kill] {
            let phase = fail(seed, Of::Database, 1 + seed % 3, after);
            // Whatever makes room may begin a checkpoint.
            assert!(matches!(phase, None | Some(Phase::Reserving | Phase::Expiring)), "{phase:?}");
            failed += u64::from(phase.is_some());
        }
    }
    assert!(failed > 60, "{failed}");
}

/// What a failed sync did not write is still in the cache, where the next process
/// reads it. Power is lost while that goes into the database.
#[test]
fn what_only_the_cache_shows_is_made_durable_before_it_is_used() {
    let mut struck = 0;
    for seed in 0..60 {
        let mut rig = Rig::new(seed);
        let mut life = rig.open().unwrap();
        let drive = rig.machine.drive.clone();
        drive.plan(Faults::default().with(Aim::at(Act::Sync, Of::Log, 1 + seed % 8), Blow::Error));
        until_failure(&mut rig, &mut life).expect("each commit syncs the log");
        rig.cut_off(&life);
        drive.kill();
        drop(life);
        drive.plan(Faults::default().with(Aim::at(Act::Write, Of::Database, 1 + seed % 6), Blow::Outage));
        drop(rig.open());
        struck += u64::from(drive.struck().is_some());
        rig.reboot();
        assert_eq!(rig.audit(), Vec::<Violation>::new(), "seed {seed}");
    }
    assert!(struck > 30, "{struck}");
}

/// Also while the store is opened: the next opening finds everything.
#[test]
fn while_opening_keeps_it_closed() {
    let mut failed = 0;
    for seed in 0..60 {
        let mut rig = Rig::new(seed);
        rig.machine.drive.plan(
            Faults::default().with(Aim { act: Some(Act::Sync), of: None, nth: 1 + seed % 15 }, Blow::Error),
        );
        match rig.open() {
            Ok(_) => continue,
            Err(End::Store(Phase::Opening | Phase::Anchoring, _)) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
        if seed % 2 == 0 {
            rig.reboot();
        }
        assert_eq!(rig.audit(), Vec::<Violation>::new(), "seed {seed}");
    }
    assert!(failed > 20, "{failed}");
}
