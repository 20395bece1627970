//! Any history of groups, folds, expiries, closings and crashes loads as the model.

use proptest::prelude::*;
use tallystick::store::Store;

use crate::fixture::{Fixture, Memory, Sqlite};
use crate::load::seen;
use crate::model::Model;
use crate::sample::{Content, content};

#[derive(Debug, Clone)]
enum Step {
    Append(Content),
    Fold,
    Expire(u64),
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => content().prop_map(Step::Append),
        1 => Just(Step::Fold),
        1 => (0..60u64).prop_map(Step::Expire),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

fn agrees<F: Fixture>(steps: &[Step]) {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append(content) => {
                let group = content.group(model.next_number(), store.epoch());
                store.append(&group).unwrap();
                model.apply(&group);
            }
            Step::Fold => store.fold().unwrap(),
            Step::Expire(now) => {
                store.expire(*now).unwrap();
                model.expire(*now);
            }
            Step::Reopen => {
                drop(store);
                store = fixture.open();
            }
            Step::Crash => {
                fixture.crash(store);
                store = fixture.open();
            }
        }
        let seen = seen(&mut store).unwrap();
        assert_eq!(seen.model, model);
        assert_eq!(seen.bytes, store.journal_bytes());
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
