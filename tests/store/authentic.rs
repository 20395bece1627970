//! Nothing that was changed behind the engine's back is taken for what it wrote:
//! it is refused when the engine starts, or by whatever reads it.

mod history;
mod row;

use history::{Verdict, history, moment};
use proptest::prelude::*;
use row::{TABLES, changes, rows};
use tallystick::engine::{EngineError, Rollback};
use tallystick::store::StoreError;

/// What SQL makes of the newest state.
fn after(sql: &str) -> Verdict {
    let history = history();
    history.verdict(&[], |database| database.execute_batch(sql).unwrap())
}

/// Whether a refusal came before anything could be asked.
fn is_refused(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(_))
}

/// Whether nothing was answered but what is right, and something was refused.
fn is_refused_or_unread(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(_) | Verdict::Unread)
}

#[test]
fn what_was_not_changed_passes() {
    let history = history();
    assert_eq!(after(""), Verdict::Same);
    assert_eq!(history.verdict(&[Some(history.new.anchor)], |_| {}), Verdict::Same);
    let rewritten = "VACUUM; REINDEX; UPDATE page SET body = body; UPDATE journal SET mac = mac";
    assert_eq!(after(rewritten), Verdict::Same);
}

#[test]
fn another_keyring_opens_nothing() {
    let other = history::keyring();
    let place = moment(&history().new.bytes, |_| {});
    assert!(crate::bank::Bank::open(&place.path(), &other, &[]).is_err());
}

/// Every value of every row of every table, but for most of the tokens.
#[test]
fn any_value_changed_is_refused() {
    let history = history();
    for table in TABLES {
        let mut count = 0;
        for row in history.sample(table) {
            for change in changes(table, &row) {
                let verdict = history.verdict(&[], |database| change.apply(database));
                let marked = table.name != "token" || history.is_marked(&row);
                let good = if marked { is_refused(&verdict) } else { is_refused_or_unread(&verdict) };
                assert!(good || !change.is_possible(), "{change:?}: {verdict:?}");
                count += 1;
            }
        }
        assert!(count > 40, "{count} changes of {}", table.name);
    }
}

#[test]
fn rows_that_change_places_are_refused() {
    let history = history();
    for table in TABLES {
        let sample = history.sample(table);
        for (one, other) in sample.iter().zip(sample.iter().skip(1)) {
            let verdict = history.verdict(&[], |database| table.swap(database, one, other));
            assert!(is_refused_or_unread(&verdict), "{} {one:?} {other:?}: {verdict:?}", table.name);
            // One of them in both places.
            let verdict = history.verdict(&[], |database| {
                assert!(table.put(database, table.key(one), other));
            });
            assert!(is_refused_or_unread(&verdict), "{} {one:?} {other:?}: {verdict:?}", table.name);
        }
    }
}

#[test]
fn rows_that_are_added_are_refused() {
    for sql in [
        "INSERT INTO page SELECT id + 2, body FROM page",
        "INSERT INTO page SELECT max(id) + 1, body FROM page",
        "INSERT INTO record SELECT space, CAST(key || x'00' AS BLOB), expires, body FROM record WHERE space = 2",
        "INSERT INTO record SELECT 4, x'000000ff', expires, body FROM record WHERE space = 4 LIMIT 1",
        "INSERT INTO token SELECT max(slot) + 1, trid, revision, body FROM token",
        "INSERT INTO journal SELECT number + 1, epoch, before, mac, marks, body FROM journal
         ORDER BY number DESC LIMIT 1",
        "INSERT INTO journal SELECT number + 1, epoch, mac, mac, marks, body FROM journal
         ORDER BY number DESC LIMIT 1",
        "INSERT INTO journal SELECT number - 1, epoch, before, mac, marks, body FROM journal
         ORDER BY number LIMIT 1",
    ] {
        let verdict = after(sql);
        assert!(is_refused_or_unread(&verdict), "{sql}: {verdict:?}");
    }
}

#[test]
fn rows_that_are_gone_are_refused() {
    let history = history();
    for table in TABLES {
        for row in history.sample(table) {
            // Whether a record was ever there, only the profiles tell. The ends of
            // the journal have tests of their own.
            let is_told = match table.name {
                "record" => history.is_profile(&row),
                "journal" => !history.is_at_an_end(&row),
                _ => true,
            };
            let verdict = history.verdict(&[], |database| table.delete(database, table.key(&row)));
            assert!(!is_told || is_refused_or_unread(&verdict), "{} {row:?}: {verdict:?}", table.name);
        }
        if table.name != "record" {
            let verdict = after(&format!("DELETE FROM {}", table.name));
            assert!(is_refused_or_unread(&verdict), "all of {}: {verdict:?}", table.name);
        }
    }
}

/// Each of them was authentic once.
#[test]
fn older_pages_and_rows_put_back_are_refused() {
    let history = history();
    let older = |table: &str, sql: &str| {
        let found = history.verdict_with_old(&[], |database| {
            let changed = database.execute(sql, []).unwrap();
            assert!(changed > 0, "{sql} changes nothing of {table}");
        });
        (format!("{table}: {sql}"), found)
    };
    for page in history.with_old(|database| rows(database, "SELECT id FROM main.page")) {
        let sql = format!(
            "UPDATE page SET body = (SELECT body FROM old.page WHERE id = {0}) WHERE id = {0}",
            row::integer(&page[0])
        );
        let (what, verdict) = older("page", &sql);
        assert!(is_refused(&verdict), "{what}: {verdict:?}");
    }
    let (what, verdict) = older("page", "REPLACE INTO page SELECT * FROM old.page");
    assert!(is_refused(&verdict), "{what}: {verdict:?}");
    let changed =
        "SELECT slot FROM token JOIN old.token AS o USING (slot) WHERE token.revision <> o.revision";
    let slots = history.with_old(|database| rows(database, changed));
    let (mut marked, mut unmarked) = (0, 0);
    for slot in slots {
        let sql =
            format!("REPLACE INTO token SELECT * FROM old.token WHERE slot = {}", row::integer(&slot[0]));
        let (what, verdict) = older("token", &sql);
        if history.is_marked(&slot) {
            marked += 1;
            assert!(is_refused(&verdict), "{what}: {verdict:?}");
        } else {
            unmarked += 1;
            assert!(is_refused_or_unread(&verdict), "{what}: {verdict:?}");
        }
    }
    assert!(marked > 2 && unmarked > 2, "{marked} marked, {unmarked} unmarked");
    let (what, verdict) = older("token", "REPLACE INTO token SELECT * FROM old.token");
    assert!(is_refused_or_unread(&verdict), "{what}: {verdict:?}");
}

/// Pages, rows and journal each from another time.
#[test]
fn parts_of_two_times_do_not_go_together() {
    let history = history();
    let parts = ["page", "token", "journal"];
    for mixed in 1..7_u8 {
        let old = parts.iter().enumerate().filter(|(at, _)| mixed >> at & 1 == 1).map(|(_, part)| part);
        let sql: String = old
            .map(|part| format!("DELETE FROM {part}; INSERT INTO {part} SELECT * FROM old.{part};"))
            .collect();
        let verdict = history.verdict_with_old(&[], |database| database.execute_batch(&sql).unwrap());
        assert!(is_refused_or_unread(&verdict), "{sql}: {verdict:?}");
    }
}

/// A whole older copy is as good as it was: only what lies outside can tell.
#[test]
fn a_whole_older_copy_is_told_by_an_anchor_alone() {
    let history = history();
    let old = |anchors: &[_]| history.verdict_of(&history.old.bytes, anchors, |_| {});
    assert_eq!(old(&[]), Verdict::Other);
    assert_eq!(old(&[Some(history.old.anchor)]), Verdict::Other);
    let rolled_back = Verdict::Refused(EngineError::Rollback(Rollback::Store));
    assert_eq!(old(&[Some(history.new.anchor)]), rolled_back);
    assert_eq!(old(&[Some(history.old.anchor), Some(history.new.anchor)]), rolled_back);
    let missing = Verdict::Refused(EngineError::Rollback(Rollback::Missing));
    assert_eq!(old(&[None]), missing);
    // The anchor of another keyring's store, of an epoch long gone.
    let mut other = history.old.anchor;
    other.head.mac = [7; 32];
    assert_eq!(old(&[Some(other)]), rolled_back);
}

#[test]
fn the_newest_groups_cut_off_are_told_by_an_anchor_at_the_latest() {
    let history = history();
    let head = history.new.anchor.head.number.0;
    let mut untold = 0;
    for cut in 1..=history.groups() {
        let sql = format!("DELETE FROM journal WHERE number > {}", head - cut);
        let verdict = after(&sql);
        // Groups of counter moves alone leave nothing else behind.
        if cut <= history.plain {
            untold += u32::from(verdict == Verdict::Other);
        } else {
            assert!(is_refused_or_unread(&verdict), "{cut} cut off: {verdict:?}");
        }
        let anchors = [Some(history.new.anchor)];
        let verdict = history.verdict(&anchors, |database| database.execute_batch(&sql).unwrap());
        let refused = matches!(&verdict, Verdict::Refused(EngineError::Rollback(Rollback::Store)));
        assert!(refused || cut > history.plain && is_refused(&verdict), "{cut} cut off: {verdict:?}");
    }
    assert!(untold > 0, "without an anchor, the last group cut off is not told");
}

#[test]
fn the_oldest_groups_cut_off_are_refused_or_were_needed_no_more() {
    let history = history();
    let head = history.new.anchor.head.number.0;
    let oldest = head + 1 - history.groups();
    assert!(oldest < history.first && history.first < head, "{oldest} {} {head}", history.first);
    for from in oldest + 1..=head {
        let sql = format!("DELETE FROM journal WHERE number < {from}");
        let verdict = after(&sql);
        if from <= history.first {
            assert_eq!(verdict, Verdict::Same, "from {from}");
        } else {
            assert!(is_refused(&verdict), "from {from}: {verdict:?}");
        }
        let anchors = [Some(history.told)];
        let verdict = history.verdict(&anchors, |database| database.execute_batch(&sql).unwrap());
        let met = from <= history.told.head.number.0;
        assert_eq!(verdict == Verdict::Same, met && from <= history.first, "from {from}: {verdict:?}");
    }
}

#[test]
fn epochs_put_back_are_refused() {
    let history = history();
    let anchors = [Some(history.new.anchor)];
    let lower = "UPDATE meta SET epoch = epoch - 1";
    let verdict = history.verdict(&anchors, |database| database.execute_batch(lower).unwrap());
    assert_eq!(verdict, Verdict::Refused(EngineError::Rollback(Rollback::Store)));
    let verdict = after("UPDATE meta SET epoch = 0");
    let order = StoreError::Corrupt("a journal row has an epoch that was never drawn");
    assert_eq!(verdict, Verdict::Refused(EngineError::Store(order)));
    // It knows of an anchor that was told of a later epoch.
    let verdict = history.verdict(&anchors, |database| {
        database
            .execute_batch(
                "UPDATE meta SET anchored = epoch, epoch = epoch + 1; UPDATE meta SET anchored = epoch",
            )
            .unwrap();
    });
    assert_eq!(verdict, Verdict::Refused(EngineError::Rollback(Rollback::Anchor)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// Whatever is done to the file, no answer is another than it was.
    #[test]
    fn bytes_changed_anywhere(at: [prop::sample::Index; 3], bits: [u8; 3]) {
        let verdict = history().verdict_of_bytes(|bytes| {
            for (at, bits) in at.iter().zip(bits) {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
        });
        prop_assert_ne!(verdict, Verdict::Other);
    }

    #[test]
    fn blocks_swapped_or_doubled(one: prop::sample::Index, other: prop::sample::Index, swapped: bool) {
        let verdict = history().verdict_of_bytes(|bytes| {
            let (one, other) = (one.index(bytes.len() / 4096) * 4096, other.index(bytes.len() / 4096) * 4096);
            let block = bytes[one..one + 4096].to_vec();
            if swapped {
                bytes.copy_within(other..other + 4096, one);
            }
            bytes[other..other + 4096].copy_from_slice(&block);
        });
        prop_assert_ne!(verdict, Verdict::Other);
    }
}
