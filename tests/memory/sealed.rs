//! What is left of those who opened it on the admin socket, and of everything once it is
//! sealed.

use std::process::{Command, Stdio};

use tallystick::client::Client;
use tallystick::wire::{Custody, Opener, Status};

use crate::daemon::Daemon;
use crate::forms::{component_forms, passphrase_forms};
use crate::image::{Core, Memory, can_look};
use crate::search::Search;
use crate::{PLANTED, saved_before_rotations, search_for, wait_until_clean};

#[test]
fn nothing_secret_is_left_of_who_opened_it_nor_after_sealing() {
    let Some(gdb) = can_look() else { return };
    let (mut daemon, mut load) = saved_before_rotations();
    daemon.launch_sealed();
    // It stays, so that what it keeps is searched.
    let mut admin = daemon.admin();
    let wrong: String = daemon.passphrase.chars().rev().collect();
    let refused = admin.custody(&Custody::Unseal(Opener::Passphrase(wrong.as_bytes())));
    assert_eq!(refused.unwrap_err().status(), Some(Status::OpenerWrong));
    let opener = Custody::Unseal(Opener::Passphrase(daemon.passphrase.as_bytes()));
    assert!(!admin.custody(&opener).unwrap().sealed);
    let open = load.work(&daemon);
    let mut search = search_for(&daemon, &load);
    search.add("wrong passphrase", passphrase_forms(&wrong));
    assert_clean(gdb, &daemon, &search, "opened by a passphrase");
    assert!(admin.custody(&Custody::Seal).unwrap().sealed);
    assert_clean(gdb, &daemon, &search, "sealed");
    drop((open, admin));
    daemon.stop();

    let shares = share_out(&daemon);
    for share in &shares {
        // Beside it the file has words for people.
        let text = share.lines().find(|line| line.len() == 89).unwrap();
        search.add("share", passphrase_forms(text));
        search.add("value of a share", component_forms(&value_of(text)));
    }
    daemon.launch_sealed();
    let mut custodians: Vec<_> = shares.iter().map(|_| daemon.admin()).collect();
    let sealed: Vec<bool> = custodians.iter_mut().zip(&shares).map(give).collect();
    assert_eq!(sealed, [true, false]);
    assert_clean(gdb, &daemon, &search, "opened by shares");
    assert!(custodians[0].custody(&Custody::Seal).unwrap().sealed);
    // One who has given a share, and thinks better of it.
    give((&mut custodians[0], &shares[0]));
    custodians[1].custody(&Custody::Forget).unwrap();
    assert_clean(gdb, &daemon, &search, "sealed again");
}

/// In both pictures of the memory, with what was planted.
fn assert_clean(gdb: &str, daemon: &Daemon, search: &Search, when: &str) {
    let left = wait_until_clean(search, &Memory::of(daemon.pid()));
    assert_eq!(left.names(), PLANTED, "{when}, through /proc/PID/mem: {left}");
    let left = search.in_all(&Core::take(gdb, daemon.pid()).pieces);
    assert_eq!(left.names(), PLANTED, "{when}, in gdb's core: {left}");
}

fn give((custodian, share): (&mut Client<std::os::unix::net::UnixStream>, &String)) -> bool {
    custodian.custody(&Custody::Unseal(Opener::Share(share))).unwrap().sealed
}

/// The 32 bytes that are secret: behind 8, in Crockford's base 32 with hyphens.
fn value_of(text: &str) -> Vec<u8> {
    let symbols = text.bytes().filter(|byte| *byte != b'-');
    let bits = symbols.map(|symbol| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".iter().position(|it| *it == symbol));
    let bits: Vec<u64> = bits.map(|bits| bits.unwrap() as u64).collect();
    let fives = bits.chunks(8).map(|eight| eight.iter().fold(0, |joined, bits| joined << 5 | bits));
    let bytes: Vec<u8> = fives.flat_map(|joined| joined.to_be_bytes().into_iter().skip(3)).collect();
    bytes[8..40].to_vec()
}

/// Has two shares of two open the keyring.
fn share_out(daemon: &Daemon) -> Vec<String> {
    let (out, passphrase) = (daemon.path("shares"), daemon.path("passphrase"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
    command.args(["--json", "shares", "make", "--needed", "2", "--made", "2", "--out"]).arg(&out);
    command.arg("--passphrase-file").arg(passphrase).env("TALLY_DIR", daemon.dir.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = told["files"].as_array().unwrap().iter();
    files.map(|file| std::fs::read_to_string(file.as_str().unwrap()).unwrap()).collect()
}
