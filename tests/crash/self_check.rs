//! Proves at each run that the checks can fail: short logs of a daemon that keeps
//! its promises pass, and with one answer changed each is reported.

mod cards;
mod story;

use tallystick::wire::Status;

use crate::log::{Entry, Outcome};
use crate::model::{Fault, Kind, Model};
use crate::plan::Round;
use story::{
    Story, accepted, counters, issued, keys, other_token, pan, refused, short, shorts, shown, statuses, token,
};

/// A change to a story, and what must be found.
type Tampered = (fn() -> Story, &'static str, Outcome, Kind);

/// Checks the checker. How many tampered logs were reported, or what was not.
pub fn run(seed: u64) -> Result<usize, String> {
    for story in [counters, keys, statuses, shorts] {
        if let Some(fault) = judge(&story()).first() {
            return Err(format!("a log without a fault is reported: {fault}"));
        }
    }
    let all: Vec<_> =
        [of_counters(), of_keys(), of_statuses(), of_tokens(), of_shorts()].into_iter().flatten().collect();
    for (story, step, outcome, kind) in &all {
        let mut story = story();
        story.tamper(step, outcome.clone());
        if !judge(&story).iter().any(|fault| fault.kind == *kind) {
            return Err(format!("`{step}` changed to {outcome:?} is not reported: {kind}"));
        }
    }
    retries_and_counts()?;
    plans(seed)?;
    Ok(all.len() + 2 + cards::run()?)
}

fn judge(story: &Story) -> Vec<Fault> {
    let mut model = Model::default();
    story.stretches().iter().flat_map(|stretch| model.absorb(stretch)).collect()
}

fn of_counters() -> Vec<Tampered> {
    vec![
        (counters, "issue after the kill", issued(3), Kind::AtcTwice),
        (counters, "issue after the kill", issued(5), Kind::AtcTwice),
        (counters, "issue after the kill", issued(4), Kind::AtcFell),
        (counters, "verify 3", refused(Status::NeverIssued), Kind::IssueLost),
        (counters, "verify 3", refused(Status::Replayed), Kind::RefusedGood(Status::Replayed)),
        (counters, "verify 3", refused(Status::BehindWindow), Kind::RefusedGood(Status::BehindWindow)),
        (counters, "verify 3", accepted(5), Kind::AcceptedOther),
        (counters, "verify 3", refused(Status::BadMac), Kind::Unexpected(Status::BadMac)),
        (counters, "verify 1 again", accepted(1), Kind::AcceptedTwice),
        (counters, "verify 2 again", accepted(2), Kind::AcceptedTwice),
        (counters, "verify 5, far behind", accepted(5), Kind::AcceptedBehindWindow),
        (counters, "issue after the kill", refused(Status::Busy), Kind::Unexpected(Status::Busy)),
        (counters, "verify 3", issued(3), Kind::OtherReply),
    ]
}

fn of_keys() -> Vec<Tampered> {
    let conflict = Status::IdempotencyConflict;
    vec![
        (keys, "retry", issued(2), Kind::ReplyChanged),
        (keys, "retry", refused(Status::TokenSuspended), Kind::KeyForgotten(Status::TokenSuspended)),
        (keys, "retry", refused(conflict), Kind::ConflictInvented),
        (keys, "another request", issued(1), Kind::ConflictMissed),
        (keys, "another request", issued(3), Kind::ConflictMissed),
        (keys, "retry of the unknown, again", issued(3), Kind::ReplyChanged),
        (
            keys,
            "retry of the unknown verification",
            refused(Status::Replayed),
            Kind::RefusedGood(Status::Replayed),
        ),
        (keys, "verify its cryptogram again", accepted(1), Kind::AcceptedTwice),
    ]
}

fn of_statuses() -> Vec<Tampered> {
    vec![
        (statuses, "show the suspended", shown(true), Kind::StatusWrong),
        (statuses, "show after the kill", shown(false), Kind::StatusWrong),
        (statuses, "issue on the suspended", issued(1), Kind::UsedSuspended),
        (statuses, "issue on the resumed", refused(Status::TokenSuspended), Kind::RefusedActive),
        (statuses, "resume", shown(false), Kind::StatusWrong),
    ]
}

fn of_tokens() -> Vec<Tampered> {
    vec![
        (statuses, "show after the kill", refused(Status::UnknownToken), Kind::TokenLost),
        (statuses, "issue on the resumed", refused(Status::UnknownToken), Kind::TokenLost),
        (statuses, "show after the kill", other_token(), Kind::TokenChanged),
        (statuses, "provision another", token(), Kind::TokenTwice),
        (statuses, "detokenize", pan(false), Kind::PanWrong),
    ]
}

fn of_shorts() -> Vec<Tampered> {
    vec![
        (shorts, "verify 042", refused(Status::ShortMismatch), Kind::ShortRefused),
        (shorts, "verify 042", accepted(9), Kind::ShortInvented),
        (shorts, "verify 042", accepted(2), Kind::AcceptedOther),
        (shorts, "verify 042 again", accepted(1), Kind::AcceptedTwice),
        (shorts, "verify 042 again", refused(Status::Replayed), Kind::Unexpected(Status::Replayed)),
        (shorts, "verify 777", refused(Status::ShortLocked), Kind::LockInvented),
        (shorts, "issue on the locked", short(6, b"333"), Kind::LockForgotten),
        (shorts, "issue on the cleared", refused(Status::ShortLocked), Kind::LockInvented),
    ]
}

/// Two retries that differ, and a number of tokens that does not fit.
fn retries_and_counts() -> Result<(), String> {
    let mut model = Model::default();
    let story = statuses();
    story.stretches().iter().for_each(|stretch| drop(model.absorb(stretch)));
    let entries: Vec<Entry> = story.stretches().concat();
    let (one, two) = (story.step("issue on the suspended"), story.step("issue on the resumed"));
    let twice = [model.compare(&entries[one], &entries[one]), model.compare(&entries[two], &entries[two])];
    if twice.iter().any(Option::is_some) || model.check_count(2, "").is_some() {
        return Err("equal retries or a right count are reported".to_owned());
    }
    let differ = model.compare(&entries[one], &entries[two]).map(|fault| fault.kind);
    let counts = [1, 3].map(|count| model.check_count(count, "").map(|fault| fault.kind));
    if differ != Some(Kind::RetriesDiffer) || counts != [Some(Kind::TokenCount); 2] {
        return Err("retries that differ or a wrong count are not reported".to_owned());
    }
    Ok(())
}

/// The same seed plans the same, another seed something else.
fn plans(seed: u64) -> Result<(), String> {
    let digest = |seed| [1, 2].map(|round| Round::of(seed, round).digest());
    let (one, other) = (digest(seed), digest(seed ^ 1));
    if one != digest(seed) || one[0] == one[1] || one == other {
        return Err("plans do not follow from the seed".to_owned());
    }
    Ok(())
}
