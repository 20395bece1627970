//! Why a card's cryptogram is refused, as it is told on the wire: to an auditor only.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::cards::{IMK, card, import, label, of_chip};
use super::support::house::House;
use super::support::new_keys;
use super::*;
use tallystick::client::Client;
use tallystick::command::{EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify};
use tallystick::crypto::KeyAlgorithm;
use tallystick::daemon::Door;
use tallystick::store::{MemoryDisk, MemoryStore};
use tallystick::types::emv::{Arqc, EmvData};
use tallystick::wire::Status;

/// One whose last issued counter is 2; 2 was accepted.
const OURS: u8 = 0;
/// One whose chip was at 900.
const CHIPS: u8 = 1;
/// One that is locked.
const LOCKED: u8 = 2;

fn status(client: &mut Client<UnixStream>, command: Command<'_>) -> Status {
    client.call(&command, None).map_or_else(|error| error.status().unwrap(), |_| Status::Ok)
}

fn verify((card, arqc): (EmvCard, Arqc)) -> Command<'static> {
    Command::EmvVerify(Box::new(EmvVerify { card, arqc, answer: None }))
}

fn arpc((card, arqc): (EmvCard, Arqc)) -> Command<'static> {
    Command::EmvArpc(Box::new(EmvArpc { card, arqc, answer: EmvAnswer::Code(*b"00") }))
}

fn forged(psn: u8) -> (EmvCard, Arqc) {
    (card(psn, Some(1)), Arqc::from_bytes([0; 8]))
}

fn house() -> House {
    let mut keys = new_keys();
    import(&mut keys, "imk", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Tdes2, IMK);
    let house = House::with_keys(MemoryStore::open(&MemoryDisk::new()), Arc::new(keys.load().unwrap()));
    let mut owner = house.enter(everyone(), Door::Data);
    for _ in 0..2 {
        let issue = Command::EmvIssue(Box::new(EmvIssue(card(OURS, None))));
        assert_eq!(status(&mut owner, issue), Status::Ok);
    }
    for good in [of_chip(OURS, 2), of_chip(CHIPS, 900)] {
        assert_eq!(status(&mut owner, verify(good)), Status::Ok);
    }
    for _ in 0..10 {
        assert_eq!(status(&mut owner, verify(forged(LOCKED))), Status::BadMac);
    }
    house
}

/// Every way in which a cryptogram is refused, and what an auditor is told.
fn refused() -> [((EmvCard, Arqc), Status); 5] {
    [
        (forged(OURS), Status::BadMac),
        (of_chip(OURS, 2), Status::Replayed),
        (of_chip(OURS, 3), Status::NeverIssued),
        (of_chip(CHIPS, 835), Status::BehindWindow),
        (of_chip(LOCKED, 1), Status::CardLocked),
    ]
}

fn caller(roles: &[Role]) -> Caller {
    Caller::new("shop", Roles::of(roles), None)
}

#[test]
fn an_auditor_alone_learns_why_a_cards_cryptogram_is_refused() {
    let house = house();
    let mut shop = house.enter(caller(&[Role::Verifier]), Door::Data);
    let mut auditor = house.enter(caller(&[Role::Verifier, Role::Auditor]), Door::Data);
    for (presented, why) in refused() {
        assert_eq!(status(&mut shop, verify(presented)), Status::Refused, "{why:?}");
    }
    for (presented, why) in refused() {
        assert_eq!(status(&mut auditor, verify(presented)), why);
    }
}

#[test]
fn an_auditor_alone_learns_why_a_cards_cryptogram_is_not_answered() {
    let house = house();
    let mut shop = house.enter(caller(&[Role::Verifier]), Door::Data);
    let mut auditor = house.enter(caller(&[Role::Verifier, Role::Auditor]), Door::Data);
    let refused = || [(forged(OURS), Status::BadMac), (of_chip(LOCKED, 1), Status::CardLocked)];
    for (presented, why) in refused() {
        assert_eq!(status(&mut shop, arpc(presented)), Status::Refused, "{why:?}");
    }
    for (presented, why) in refused() {
        assert_eq!(status(&mut auditor, arpc(presented)), why);
    }
    assert_eq!(status(&mut shop, arpc(of_chip(OURS, 1))), Status::Ok);
}

/// It says nothing of a card, and somebody must mend it.
#[test]
fn what_is_wrong_with_a_request_or_its_caller_is_told_to_everybody() {
    let house = house();
    let limited = Caller::new("one", Roles::of(&[Role::Verifier]), Some(&[trid()]));
    let mut limited = house.enter(limited, Door::Data);
    for command in [verify, arpc] {
        assert_eq!(status(&mut limited, command(of_chip(OURS, 1))), Status::TridNotAllowed);
    }
    let mut shop = house.enter(caller(&[Role::Verifier]), Door::Data);
    let (good, arqc) = of_chip(OURS, 1);
    for command in [verify, arpc] {
        let other_key = EmvCard { key: label("imk-2"), ..card(OURS, Some(1)) };
        let no_data = EmvCard { data: EmvData::new(), ..card(OURS, Some(1)) };
        assert_eq!(status(&mut shop, command((other_key, arqc))), Status::UnknownKey);
        assert_eq!(status(&mut shop, command((no_data, arqc))), Status::EmvDataMissing);
    }
    assert_eq!(status(&mut shop, verify((good, arqc))), Status::Ok);
}
