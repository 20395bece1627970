//! The memory store beside the contract: faults, fencing, backups.

use proptest::prelude::*;
use tallystick::store::{Epoch, Fault, Faults, MemoryDisk, MemoryStore, Operation, Room, Store, StoreError};

use crate::contract::poisoned;
use crate::load::{holds, loaded};
use crate::model::Model;
use crate::sample::{content, full};

#[test]
fn a_second_opening_fences_the_first() {
    let disk = MemoryDisk::new();
    for operation in [Operation::Append, Operation::Anchor, Operation::Expire] {
        let mut older = MemoryStore::open(&disk);
        let mut newer = MemoryStore::open(&disk);
        let number = loaded(&mut newer).next_number();
        let refused = match operation {
            Operation::Append => older.append(&full().group(number, older.epoch())).map(|_| ()),
            Operation::Anchor => older.set_anchored(),
            Operation::Expire => older.expire(0).map(drop),
        };
        assert_eq!(refused, Err(StoreError::Fenced), "{operation:?}");
        poisoned(&mut older);
        newer.append(&full().group(number, newer.epoch())).unwrap();
    }
}

#[test]
fn a_planned_fault_strikes_its_call_and_poisons() {
    let faults = [
        (Fault::Lost, StoreError::Io("planned fault".to_owned()), false),
        (Fault::Full, StoreError::Full, false),
        (Fault::Unreported, StoreError::Io("planned fault".to_owned()), true),
    ];
    for (fault, error, durable) in faults {
        let disk = MemoryDisk::new();
        disk.plan(Faults::none().at(Operation::Append, 2, fault));
        let mut store = MemoryStore::open(&disk);
        store.append(&full().group(1, store.epoch())).unwrap();
        assert_eq!(store.append(&full().group(2, store.epoch())), Err(error));
        poisoned(&mut store);
        let mut store = MemoryStore::open(&disk);
        assert_eq!(loaded(&mut store).next_number(), if durable { 3 } else { 2 }, "{fault:?}");
    }
}

#[test]
fn anchoring_and_expiry_fail_as_planned_too() {
    for (fault, durable) in [(Fault::Lost, false), (Fault::Full, false), (Fault::Unreported, true)] {
        let disk = MemoryDisk::new();
        disk.plan(Faults::none().at(Operation::Anchor, 1, fault).at(Operation::Expire, 1, fault));
        let mut store = MemoryStore::open(&disk);
        store.append(&full().group(1, store.epoch())).unwrap();
        assert!(store.set_anchored().is_err());
        poisoned(&mut store);
        let mut store = MemoryStore::open(&disk);
        assert_eq!(store.anchored(), Epoch(durable.into()));
        assert!(store.expire(u64::MAX).is_err());
        poisoned(&mut store);
        let mut store = MemoryStore::open(&disk);
        assert_eq!(loaded(&mut store).records.is_empty(), durable);
        store.set_anchored().unwrap();
        store.expire(u64::MAX).unwrap();
    }
}

#[test]
fn room_is_what_the_disk_is_told() {
    let disk = MemoryDisk::new();
    let mut store = MemoryStore::open(&disk);
    for room in [Room::Ample, Room::Scarce, Room::None, Room::Ample] {
        disk.set_room(room);
        assert_eq!(store.reserve(None), Ok(room));
        assert_eq!(store.reserve(Some(&full().group(1, store.epoch()))), Ok(room));
    }
    store.append(&full().group(1, store.epoch())).unwrap();
}

#[test]
fn a_restored_backup_is_what_was_backed_up() {
    let disk = MemoryDisk::new();
    let mut store = MemoryStore::open(&disk);
    store.append(&full().group(1, store.epoch())).unwrap();
    let backup = disk.backup();
    let then = loaded(&mut store);
    store.append(&full().group(2, store.epoch())).unwrap();
    assert_ne!(loaded(&mut store), then);
    disk.restore(&backup);
    let mut store = MemoryStore::open(&disk);
    assert_eq!(loaded(&mut store), then);
    store.append(&full().group(2, store.epoch())).unwrap();
    assert_eq!(loaded(&mut MemoryStore::open(&backup)), then, "the backup stays as it is");
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![Fault::Lost, Fault::Unreported, Fault::Full])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A caller that appends what it is given and opens again after each failure
    /// finds each group whole or not at all, and never loses one it has a receipt for.
    #[test]
    fn each_group_is_whole_or_absent(
        contents in prop::collection::vec(content(), 1..40),
        planned in prop::collection::btree_map(1..40u64, fault(), 0..10),
    ) {
        let disk = MemoryDisk::new();
        let plan = |faults: Faults, (nth, fault): (&u64, &Fault)| faults.at(Operation::Append, *nth, *fault);
        disk.plan(planned.iter().fold(Faults::none(), plan));
        let mut store = MemoryStore::open(&disk);
        let mut model = Model::default();
        for (content, nth) in contents.iter().zip(1..) {
            let group = content.group(model.next_number(), store.epoch());
            let appended = store.append(&group).is_ok();
            prop_assert_eq!(appended, !planned.contains_key(&nth));
            if appended || planned.get(&nth) == Some(&Fault::Unreported) {
                model.apply(&group, u64::MAX);
            }
            if !appended {
                store = MemoryStore::open(&disk);
            }
            holds(&mut store, &model);
        }
    }
}
