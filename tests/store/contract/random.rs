//! Any history of groups, expiries, closings and crashes loads as the model.

use proptest::prelude::*;
use tallystick::store::{Epoch, Room, Store};

use crate::fixture::{Fixture, Memory, Sqlite};
use crate::load::holds;
use crate::model::Model;
use crate::sample::{Content, content};

#[derive(Debug, Clone)]
enum Step {
    Append(Content),
    Expire(u64),
    Anchor,
    Outgrow(u64),
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => content().prop_map(Step::Append),
        1 => (0..60u64).prop_map(Step::Expire),
        1 => Just(Step::Anchor),
        1 => (0..40u64).prop_map(Step::Outgrow),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

fn agrees<F: Fixture>(steps: &[Step]) {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    let (mut epoch, mut anchored) = (1, 0);
    for step in steps {
        match step {
            Step::Append(content) => {
                let group = content.group(model.next_number(), store.epoch());
                assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
                store.append(&group).unwrap();
                model.apply(&group, F::REMOVED);
            }
            Step::Expire(now) => {
                assert_eq!(store.expire(*now), Ok(false));
                model.expire(*now);
            }
            Step::Anchor => {
                store.set_anchored().unwrap();
                anchored = epoch;
            }
            Step::Outgrow(floor) => {
                store.outgrow(Epoch(*floor)).unwrap();
                epoch = epoch.max(*floor) + 1;
            }
            Step::Reopen => {
                drop(store);
                store = fixture.open();
                epoch += 1;
            }
            Step::Crash => {
                fixture.crash(store);
                store = fixture.open();
                epoch += 1;
            }
        }
        assert_eq!((store.epoch(), store.anchored()), (Epoch(epoch), Epoch(anchored)));
        holds(&mut store, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn memory(steps in prop::collection::vec(step(), 1..30)) {
        agrees::<Memory>(&steps);
    }

    #[test]
    fn sqlite(steps in prop::collection::vec(step(), 1..30)) {
        agrees::<Sqlite>(&steps);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    // A database is made for each.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn postgres(steps in prop::collection::vec(step(), 1..30)) {
        agrees::<crate::fixture::Postgres>(&steps);
    }
}
