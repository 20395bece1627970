//! Rows gone through for what concerns all tokens.

use tallystick::command::Provision;
use tallystick::store::{Store, TokenRow};

use super::*;

fn rows(rig: &mut Rig) -> Vec<TokenRow> {
    rig.store.tokens_after(None, 10).unwrap()
}

/// Three tokens of two requestors, the second one ended.
fn rig() -> (Rig, [TokenNumber; 3], Trid) {
    let mut rig = Rig::new();
    let other = Trid::parse(b"40010000002").unwrap();
    let mut provision = |trid| {
        let card = Provision { trid, ..card(PAN, "2912") };
        token_of(rig.run(Command::Provision(Box::new(card)))).token
    };
    let tokens = [provision(trid()), provision(trid()), provision(other)];
    rig.status(tokens[1], StatusEvent::Deactivate(DeactivationReason::Requested)).unwrap();
    (rig, tokens, other)
}

#[test]
fn the_pans_of_all_or_of_a_requestor() {
    let (mut rig, [first, _, third], other) = rig();
    let rows = rows(&mut rig);
    for (of, expected) in
        [(None, vec![first, third]), (Some(trid()), vec![first]), (Some(other), vec![third])]
    {
        let survey = rig.engine.survey_pans(&rows, of);
        let found: Vec<_> = survey.found.iter().map(|(token, _)| *token).collect();
        assert_eq!((found, survey.looked_at, survey.unopened), (expected, 3, 0));
        assert!(survey.found.iter().all(|(_, card)| card.pan.expose_digits() == PAN));
    }
}

#[test]
fn what_cannot_be_opened_is_counted_and_what_was_written_since_is_read_again() {
    let (mut rig, [first, _, third], _) = rig();
    let rows = rows(&mut rig);
    let mut changed = rows.clone();
    changed[0].body[0] ^= 1;
    let survey = rig.engine.survey_pans(&changed, None);
    assert_eq!((survey.found.len(), survey.looked_at, survey.unopened), (1, 3, 1));
    assert!(rows.iter().all(|row| rig.engine.is_authentic(row.clone())));
    assert!(!rig.engine.is_authentic(changed[0].clone()));
    rig.status(third, StatusEvent::Suspend).unwrap();
    let survey = rig.engine.survey_pans(&rows, None);
    let found: Vec<_> = survey.found.iter().map(|(token, _)| *token).collect();
    assert_eq!((found, survey.looked_at, survey.unopened), (vec![first], 2, 0));
}

#[test]
fn the_tokens_sealed_by_a_key() {
    let (mut rig, [first, _, third], _) = rig();
    let now = UnixTime::from_seconds(rig.now);
    rig.keys.rotate(&SystemRandom, KeyPurpose::PanSealing, now).unwrap();
    rig.reload_keys();
    let fourth = rig.provision().token;
    let rows = rows(&mut rig);
    let by = |version| {
        let survey = rig.engine.survey_sealed_by(&rows, KeyVersion::new(version).unwrap());
        assert_eq!((survey.looked_at, survey.unopened), (4, 0));
        survey.found
    };
    assert_eq!(by(1), [first, third]);
    assert_eq!(by(2), [fourth]);
    assert_eq!(by(3), []);
}
