//! Reads the memory of the real daemon as root would, and looks for keys, what
//! keys are expanded to, PANs and the passphrase.
//!
//! The keys are known because the test opens the keyring itself, after
//! `docs/FORMATS.md` and by its own lines. What is searched for is in `forms`;
//! how, in `search`; the two pictures of the memory, through `/proc/PID/mem` and
//! as gdb's core, in `image`. A key and a PAN are planted where the daemon keeps
//! them in the open (its environment, and the name of a peer), and must be found
//! in both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod daemon;
mod factors;
mod field;
mod forms;
mod image;
mod keyring;
mod load;
mod sealed;
mod search;
mod status;

use std::time::{Duration, Instant};

use daemon::Daemon;
use forms::{key_forms, pan_forms, passphrase_forms, token_key_forms};
use image::{Core, Memory, can_look};
use keyring::Keys;
use load::Load;
use search::{Finds, Search};

/// What is planted, to be found.
const PLANTED: [&str; 2] = ["planted PAN", "planted key"];

#[test]
fn nothing_secret_is_left_in_memory_after_the_operations_end() {
    let Some(gdb) = can_look() else { return };
    let (mut daemon, mut load) = saved_before_rotations();
    // This time the passphrase comes through standard input.
    daemon.launch("-");
    let open = load.work(&daemon);

    let search = search_for(&daemon, &load);
    let memory = Memory::of(daemon.pid());
    let left = wait_until_clean(&search, &memory);
    assert_eq!(left.names(), PLANTED, "through /proc/PID/mem: {left}");

    let core = Core::take(gdb, daemon.pid());
    let left = search.in_all(&core.pieces);
    assert_eq!(left.names(), PLANTED, "in gdb's core: {left}");
    assert_no_session_key_is_left(&daemon, &load, &memory.read().pieces);
    assert_no_session_key_is_left(&daemon, &load, &core.pieces);

    memory.assert_keys_cannot_be_read(&core);
    memory.assert_no_stack_is_deeper_than_what_is_wiped();
    drop(open);
}

/// A daemon that has stopped, cards in its store, and other keys since.
fn saved_before_rotations() -> (Daemon, Load) {
    let (mut daemon, mut load) = (Daemon::prepare(), Load::new());
    daemon.launch("passphrase");
    load.save_cards(&daemon);
    daemon.stop();
    daemon.rotate("token-derivation");
    daemon.rotate("pan-sealing");
    (daemon, load)
}

/// Reads until nothing but what was planted is found. Answers leave before what
/// they were made of is wiped, so a thread may just be at it; what is left lying
/// is found each time.
fn wait_until_clean(search: &Search, memory: &Memory) -> Finds {
    let begun = Instant::now();
    loop {
        let finds = search.in_all(&memory.read().pieces);
        if finds.names() == PLANTED || begun.elapsed() > Duration::from_secs(20) {
            return finds;
        }
    }
}

/// One that is planted is found.
fn assert_no_session_key_is_left(daemon: &Daemon, load: &Load, pieces: &[search::Piece]) {
    let mut moduli = vec![daemon.planted_modulus.clone()];
    moduli.extend(load.sessions.iter().map(|key| factors::modulus(key)));
    assert_eq!(moduli.len(), 1 + 3);
    let found = factors::find(&moduli, pieces);
    assert!(found.keys().eq([&0]), "factors of the planted key and no other: {found:x?}");
}

fn search_for(daemon: &Daemon, load: &Load) -> Search {
    let keys = Keys::open(&daemon.path("keyring"), daemon.passphrase.as_bytes());
    let mut search = Search::default();
    let all = keys.all();
    // That of the passphrase and the root key, five purposes and two rotations.
    assert_eq!(all.len(), 2 + 5 + 2);
    for (name, key) in all {
        search.add(&name, key_forms(&key));
    }
    for (version, key) in keys.token_derivation() {
        for token in load.tokens() {
            search.add(&format!("key of a token, version {version}"), token_key_forms(&key, &token));
        }
    }
    for pan in load.pans() {
        search.add("PAN", pan_forms(pan));
    }
    search.add("passphrase", passphrase_forms(&daemon.passphrase));
    search.add(PLANTED[1], key_forms(&daemon.planted_key));
    search.add(PLANTED[0], pan_forms(&daemon.planted_pan));
    search
}
