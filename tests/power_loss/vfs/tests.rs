//! SQLite on the simulated drive, without a store.

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::*;
use crate::disk::{Disk, Style};
use crate::drive::{Act, Aim, Blow, Faults, Lie, Of};

/// A drive on a directory of its own.
struct Bench {
    directory: TempDir,
    drive: Arc<Drive>,
    mount: Mount,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let drive = Drive::new(Disk::default(), seed);
        let mount = Mount::new(directory.path(), &drive);
        Self { directory, drive, mount }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags_and_vfs(self.directory.path().join("db"), flags, NAME)?;
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 10;")?;
        Ok(connection)
    }

    fn create(&self, mode: &str) -> rusqlite::Result<Connection> {
        let connection = self.connect()?;
        connection.pragma_update_and_check(None, "journal_mode", mode, |row| {
            assert_eq!(row.get::<_, String>(0)?, mode);
            Ok(())
        })?;
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB) STRICT")?;
        Ok(connection)
    }

    /// Power is lost and comes back.
    fn outage(&mut self, style: Option<Style>) {
        self.drive.cut_power();
        self.drive = Drive::new(self.drive.after_outage(style), 0);
        self.mount.exchange(&self.drive);
    }
}

fn insert(connection: &Connection, n: u64) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO t VALUES (?1, zeroblob(?1 * 700))", [n.cast_signed()]).map(|_| ())
}

/// The number of rows, unless the database is broken.
fn count(connection: &Connection) -> Option<u64> {
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).ok()?;
    let count = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).ok()?;
    (check == "ok").then(|| i64::cast_unsigned(count))
}

/// Inserts until an outage at the `nth` act; how many were told to be durable,
/// and how many are found.
fn lost(mode: &str, lie: Option<Lie>, nth: u64, seed: u64) -> Option<(u64, u64)> {
    let mut bench = Bench::new(seed);
    let connection = bench.create(mode).unwrap();
    bench.drive.plan(Faults::default().lying(lie).with(Aim::any(nth), Blow::Outage));
    let told = (1..30).take_while(|n| insert(&connection, *n).is_ok()).count() as u64;
    bench.outage(None);
    drop(connection);
    Some((told, bench.connect().ok().and_then(|connection| count(&connection))?))
}

#[test]
fn what_was_told_to_be_durable_is_found_after_any_outage() {
    for mode in ["wal", "truncate"] {
        for seed in 0..150 {
            let (told, found) = lost(mode, None, 1 + seed, seed).expect("it opens");
            assert!(found == told || found == told + 1, "{mode} {seed}: {told} told, {found} found");
        }
    }
}

/// As SQLite says of `synchronous = FULL`: the removal of a journal is the
/// commit, and may be undone.
#[test]
fn a_journal_that_was_removed_may_come_back() {
    let lost = (0..100).filter_map(|seed| lost("delete", None, 50 + seed, seed));
    assert!(lost.filter(|(told, found)| found < told).count() > 3);
}

#[test]
fn syncs_that_lie_lose_or_break_it() {
    for lie in [Lie::All, Lie::Of(Of::Log), Lie::Of(Of::Database)] {
        let bad = (0..100).filter(|seed| {
            let outcome = lost("wal", Some(lie), 50 + seed, *seed);
            outcome.is_none_or(|(told, found)| found < told)
        });
        assert!(bad.count() > 3, "{lie:?}");
    }
}

#[test]
fn two_connections_share_a_log_and_one_checkpoints_beside_the_other() {
    let mut bench = Bench::new(0);
    let (writer, other) = (bench.create("wal").unwrap(), bench.connect().unwrap());
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    std::thread::scope(|scope| {
        let checkpoints = scope.spawn(|| {
            let other = other;
            let mut moved = 0i64;
            while count(&other).unwrap() < 200 {
                let (busy, frames): (i64, i64) = other
                    .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(0)?, row.get(2)?)))
                    .unwrap();
                assert_eq!(busy, 0);
                moved = moved.max(frames);
            }
            moved
        });
        (0..200).for_each(|n| insert(&writer, n).unwrap());
        assert!(checkpoints.join().unwrap() > 0);
    });
    let begun = bench.connect().unwrap();
    begun.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = writer.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    assert_eq!(busy.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    drop(begun);
    bench.outage(Some(Style::Nothing));
    assert_eq!(count(&bench.connect().unwrap()).unwrap(), 200);
}

#[test]
fn a_killed_process_leaves_what_it_wrote_and_holds_no_lock() {
    let bench = Bench::new(0);
    let connection = bench.create("wal").unwrap();
    insert(&connection, 1).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    bench.drive.kill();
    let next = bench.connect().unwrap();
    assert_eq!(count(&next).unwrap(), 1);
    insert(&next, 2).unwrap();
    insert(&connection, 3).unwrap();
    connection.execute_batch("COMMIT").unwrap_err();
    drop(connection);
    assert_eq!(count(&next).unwrap(), 2);
}

#[test]
fn a_failed_sync_is_an_error_of_the_commit_and_the_log_stays_torn() {
    let mut bench = Bench::new(0);
    let connection = bench.create("wal").unwrap();
    insert(&connection, 1).unwrap();
    bench.drive.plan(Faults::default().with(Aim::at(Act::Sync, Of::Log, 1), Blow::Error));
    let error = insert(&connection, 2).unwrap_err();
    assert_eq!(error.sqlite_error().map(|error| error.extended_code), Some(ffi::SQLITE_IOERR_FSYNC));
    bench.outage(Some(Style::Everything));
    drop(connection);
    assert_eq!(count(&bench.connect().unwrap()).unwrap(), 1);
}

#[test]
fn a_failed_write_is_an_error_and_does_no_harm() {
    for nth in 1..20 {
        let bench = Bench::new(nth);
        let connection = bench.create("wal").unwrap();
        bench.drive.plan(Faults::default().with(Aim { act: Some(Act::Write), of: None, nth }, Blow::Error));
        let done = (1..30).filter(|n| insert(&connection, *n).is_ok()).count() as u64;
        assert!((28..30).contains(&done), "{done}");
        assert_eq!(count(&connection).unwrap(), done);
    }
}

#[test]
fn a_full_disk_refuses_what_needs_space_and_nothing_else() {
    let bench = Bench::new(0);
    let connection = bench.create("wal").unwrap();
    bench.drive.set_quota(Some(bench.drive.used() + 3 * 4096));
    let done = (1..30).take_while(|n| insert(&connection, *n).is_ok()).count() as u64;
    assert!((1..4).contains(&done), "{done}");
    let error = insert(&connection, 20).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    assert_eq!(count(&connection).unwrap(), done);
    // What lies within the log is written over without any new space.
    connection.execute_batch("DELETE FROM t WHERE n = 1").unwrap_err();
    bench.drive.set_quota(Some(bench.drive.used() + 20 * 4096));
    connection.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    bench.drive.set_quota(Some(0));
    connection.execute_batch("DELETE FROM t WHERE n = 1").unwrap();
    assert_eq!(count(&connection).unwrap(), done - 1);
}
