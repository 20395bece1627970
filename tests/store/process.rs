//! What only a second process can show: the lock, the umask, and being killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tallystick::store::{Epoch, Group, Room, SqliteStore, Store, StoreError};

use crate::fixture::{Fixture, Sqlite, open_short};
use crate::load::loaded;
use crate::model::Model;
use crate::sample::{Content, Keep, full};

/// Where a child finds the store of its parent.
const PLACE: &str = "TALLYSTICK_TEST_STORE";

/// Runs one of the ignored tests below in a process of its own.
fn child(name: &str, fixture: &Sqlite) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("process::{name}"), "--ignored", "--nocapture"])
        .env(PLACE, fixture.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The parent's store, in a child; nothing if the test was called by hand.
fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

#[test]
fn a_second_process_is_refused() {
    let mut fixture = Sqlite::make();
    let store = fixture.open();
    let in_use = |fixture| {
        let output = child("opens_and_tells", fixture).wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().any(|line| line.ends_with("in use"))
    };
    assert!(in_use(&fixture));
    // Reading the file gives up SQLite's own locks of this process, not the lock beside them.
    drop(std::fs::read(fixture.path()).unwrap());
    assert!(in_use(&fixture));
    drop(store);
    assert!(!in_use(&fixture));
}

#[test]
#[ignore = "the child of a_second_process_is_refused"]
fn opens_and_tells() {
    let Some(path) = place() else { return };
    match SqliteStore::open(&path) {
        Err(StoreError::InUse) => println!("in use"),
        other => drop(other.unwrap()),
    }
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for name in ["opens_with_a_loose_umask", "opens_with_a_tight_umask"] {
        let mut fixture = Sqlite::make();
        let mut child = child(name, &fixture);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("opened")));
        assert_eq!(crate::sqlite::modes(&fixture), crate::sqlite::private());
        child.kill().unwrap();
        child.wait().unwrap();
        drop(fixture.open());
    }
}

#[test]
#[ignore = "a child of modes_do_not_depend_on_the_umask"]
fn opens_with_a_loose_umask() {
    opens_with(0);
}

#[test]
#[ignore = "a child of modes_do_not_depend_on_the_umask"]
fn opens_with_a_tight_umask() {
    opens_with(0o777);
}

fn opens_with(umask: u32) {
    let Some(path) = place() else { return };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
    let _store = SqliteStore::open(&path).unwrap();
    println!("opened");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn a_relative_path_is_never_taken_for_a_uri() {
    let fixture = Sqlite::make();
    assert!(child("opens_what_looks_like_a_uri", &fixture).wait().unwrap().success());
    let file = fixture.path().with_file_name("file:odd?mode=memory#x");
    assert!(file.metadata().unwrap().len() > 0);
}

#[test]
#[ignore = "the child of a_relative_path_is_never_taken_for_a_uri"]
fn opens_what_looks_like_a_uri() {
    let Some(path) = place() else { return };
    std::env::set_current_dir(path.parent().unwrap()).unwrap();
    drop(SqliteStore::open(Path::new("file:odd?mode=memory#x")).unwrap());
}

#[test]
fn a_killed_process_leaves_every_group_it_had_a_receipt_for() {
    let mut fixture = Sqlite::make();
    let mut promised = 0;
    for _ in 0..4 {
        let mut child = child("appends_until_killed", &fixture);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut received = lines.by_ref().filter_map(|line| line.unwrap().parse::<u64>().ok());
        promised = received.nth(150).unwrap();
        child.kill().unwrap();
        promised = received.last().unwrap_or(promised);
        child.wait().unwrap();
        let mut store = fixture.open();
        let mut found = loaded(&mut store);
        // What it was writing when it was killed may be there too; one group, and whole.
        let number = found.head();
        assert!((promised..=promised + 1).contains(&number), "{promised} promised, {number} found");
        found.journal.values_mut().for_each(|group| group.epoch = Epoch(0));
        assert_eq!(found, after(number).visible());
    }
    assert!(promised > 600);
}

/// Group by group, another reach of the journal.
fn written(number: u64, epoch: Epoch) -> Group {
    let keep = if number.is_multiple_of(5) { Keep::Back(number % 20) } else { Keep::All };
    Content { keep, ..full() }.group(number, epoch)
}

/// The model after that many groups, whoever wrote them.
fn after(number: u64) -> Model {
    let mut model = Model::default();
    for number in 1..=number {
        model.apply(&written(number, Epoch(0)), Sqlite::REMOVED);
    }
    model
}

#[test]
#[ignore = "the child of a_killed_process_leaves_every_group_it_had_a_receipt_for"]
fn appends_until_killed() {
    let Some(path) = place() else { return };
    let mut store = open_short(&path).unwrap();
    for number in loaded(&mut store).next_number().. {
        let group = written(number, store.epoch());
        assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
        let receipt = store.append(&group).unwrap();
        println!("{}", receipt.newest().0);
    }
}
