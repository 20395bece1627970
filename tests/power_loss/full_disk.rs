//! A full disk: nothing new is taken on, nothing is lost, and it passes.

use tallystick::command::Refusal;
use tallystick::store::Room;

use crate::ask::{Ask, Deed};
use crate::drive::Drive;
use crate::ledger::Violation;
use crate::life::{End, Life};
use crate::rig::Rig;

fn leave(drive: &Drive, bytes: usize) {
    drive.set_quota(Some(drive.used() + bytes));
}

/// Works until there is no room; whether a group that was decided waits for it.
fn fill(rig: &mut Rig, life: &mut Life) -> bool {
    for number in 0..200 {
        // Tokens are what makes a database grow.
        for pan in number..number + 5 {
            life.ask(&mut rig.ledger, Ask::of(Deed::any_pan(pan))).unwrap();
        }
        match rig.group(life) {
            Ok(()) if life.closed().is_some() => return false,
            Ok(()) => {}
            Err(End::NoRoom) => return true,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the disk is never full");
}

/// Asks for everything while the engine takes nothing new on. The ledger holds
/// it to that: what changes anything is refused, what was answered is answered
/// again, and what is there is shown.
fn check_closed(rig: &mut Rig, life: &mut Life) {
    assert_eq!(life.closed(), Some(Refusal::StorageFull));
    let fresh = |(token, known): (usize, &crate::ledger::Token)| {
        let atc = known.made.iter().find(|(_, made)| made.fate == crate::ledger::Fate::Unused);
        atc.map(|(atc, _)| Deed::Verify { token, atc: *atc })
    };
    let fresh: Vec<Deed> = rig.ledger.tokens.iter().enumerate().filter_map(fresh).collect();
    let deeds = [Deed::any_pan(0), Deed::Issue { token: 0, units: 1 }, Deed::Show { token: 0 }];
    let again = rig.ledger.keyed.iter().filter(|keyed| keyed.expires > rig.ledger.now).map(|keyed| keyed.ask);
    let asks: Vec<Ask> = deeds.into_iter().chain(fresh).map(Ask::of).chain(again).collect();
    for ask in asks {
        life.ask(&mut rig.ledger, ask).unwrap();
    }
}

/// A disk that is filled, then has room again, then loses power.
fn full_for_a_while(seed: u64) -> bool {
    let mut rig = Rig::new(seed);
    let mut life = rig.open().unwrap();
    for _ in 0..3 {
        rig.group(&mut life).unwrap();
    }
    let left = rig.rng.usize(..150_000);
    leave(&rig.machine.drive, left);
    let waits = fill(&mut rig, &mut life);
    check_closed(&mut rig, &mut life);
    for _ in 0..3 {
        match life.append(&mut rig.ledger) {
            Ok(()) => assert!(!waits),
            Err(End::NoRoom) => assert!(waits),
            Err(other) => panic!("{other:?}"),
        }
        life.expire(&mut rig.ledger).unwrap();
    }
    rig.machine.drive.set_quota(None);
    life.append(&mut rig.ledger).unwrap();
    // One look begins a checkpoint, the next ends it.
    life.look(None).unwrap();
    assert_eq!(life.look(None).unwrap(), Room::Ample, "seed {seed}");
    for _ in 0..3 {
        rig.group(&mut life).unwrap();
    }
    assert_eq!(life.closed(), None);
    rig.cut_off(&life);
    rig.machine.drive.cut_power();
    drop(life);
    rig.reboot();
    assert_eq!(rig.audit(), Vec::<Violation>::new(), "seed {seed}");
    waits
}

#[test]
fn it_refuses_new_work_answers_what_it_can_and_recovers() {
    let waited = (0..60).filter(|seed| full_for_a_while(*seed)).count();
    println!("{waited} of 60 had a group wait for room");
}

/// Power is lost, or the process dies, while the disk is full.
#[test]
fn what_was_told_before_is_found_after() {
    for seed in 100..140 {
        let mut rig = Rig::new(seed);
        let mut life = rig.open().unwrap();
        let left = rig.rng.usize(..150_000);
        leave(&rig.machine.drive, left);
        fill(&mut rig, &mut life);
        rig.cut_off(&life);
        if seed % 2 == 0 {
            rig.machine.drive.kill();
            drop(life);
            assert_eq!(rig.audit(), Vec::<Violation>::new(), "seed {seed}");
        } else {
            rig.machine.drive.cut_power();
            drop(life);
        }
        rig.reboot();
        assert_eq!(rig.audit(), Vec::<Violation>::new(), "seed {seed}");
    }
}
