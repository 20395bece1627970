//! What admins do, and what a backup and an auditor need.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use tallystick::client::Client;
use tallystick::command::Command as Ask;
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::keys::SealedKeyring;
use tallystick::secmem::Region;
use tallystick::types::{KeyVersion, UnixTime};
use tallystick::wire::{Control, ControlReply, Custody, Digest, Opener, Wanted};

use crate::daemon::Daemon;
use crate::heir::{Helper, leave_a_socket_behind};
use crate::load::{card, random_pan};
use crate::needed::{SECOND, fill_up};

/// A backup, a key destroyed by two admins, sealed and unsealed; the audit log comes to
/// its next file.
pub fn administer(daemon: &Daemon) {
    (0..4).for_each(|_| show_many(daemon, 1000));
    fill_the_log(daemon);
    back_up(daemon);
    destroy_a_key(daemon);
    let mut admin = daemon.admin();
    assert!(admin.custody(&Custody::Seal).unwrap().sealed);
    let passphrase = Opener::Passphrase(daemon.passphrase.as_bytes());
    assert!(!admin.custody(&Custody::Unseal(passphrase)).unwrap().sealed);
    drop(admin);
    show_many(daemon, 1);
    outlive_a_peer(daemon);
}

/// A record in the audit log for each.
fn show_many(daemon: &Daemon, count: usize) {
    let mut client = daemon.client();
    let token = client.provision(card(&random_pan(&mut fastrand::Rng::new())), None).unwrap().token;
    for _ in 0..count {
        client.submit(&Ask::Detokenize(token), None).unwrap();
    }
    client.flush().unwrap();
    for _ in 0..count {
        client.receive().unwrap().1.unwrap();
    }
}

/// Its next file finds no room; then there is some.
fn fill_the_log(daemon: &Daemon) {
    let mut client = daemon.client();
    let token = client.provision(card(&random_pan(&mut fastrand::Rng::new())), None).unwrap().token;
    let ballast = fill_up(daemon);
    while client.detokenize(token).is_ok() {}
    std::fs::remove_file(ballast).unwrap();
    while client.detokenize(token).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn back_up(daemon: &Daemon) {
    let mut admin = daemon.admin();
    admin.backup_begin().unwrap();
    // Long enough that it waits for us.
    std::thread::sleep(Duration::from_millis(100));
    while admin.backup_next().unwrap().is_some() {}
}

/// The second admin is another user, of another group.
fn destroy_a_key(daemon: &Daemon) {
    let version = KeyVersion::new(1).unwrap();
    let wanted = Wanted::DestroyKey { purpose: "token-derivation".to_owned(), version };
    let digest = asked(&mut daemon.admin(), &Control::Propose(wanted));
    let socket = daemon.path("admin.sock");
    set_permissions(daemon.dir.path(), Permissions::from_mode(0o711)).unwrap();
    set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let second = std::thread::spawn(move || {
        // Of this thread only.
        rustix::thread::set_thread_gid(rustix::process::Gid::from_raw(SECOND)).unwrap();
        rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(SECOND)).unwrap();
        asked(&mut Client::connect(&socket, "second").unwrap(), &Control::Approve(digest))
    });
    assert_eq!(second.join().unwrap(), digest);
    asked(&mut daemon.admin(), &Control::DestroyKey(digest));
}

/// Rotates a key, while the daemon is stopped, as if an hour ago.
pub fn rotate_long_ago(daemon: &Daemon, purpose: KeyPurpose) {
    let path = daemon.path("keyring");
    let (region, passphrase) = (Region::new(64).unwrap(), daemon.passphrase.clone().into_bytes().into());
    let sealed = SealedKeyring::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    let mut keys = sealed.open(&region, &passphrase).unwrap();
    let then = UnixTime::from_seconds(UnixTime::from_system_clock().seconds() - 3600);
    keys.rotate(&SystemRandom, purpose, then).unwrap();
    std::fs::write(path, keys.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
}

fn asked(admin: &mut Client<UnixStream>, control: &Control) -> Digest {
    match admin.control(control).unwrap() {
        ControlReply::Proposal(report) => report.digest,
        other => panic!("{other:?}"),
    }
}

/// A process connects and ends, and another has its socket.
fn outlive_a_peer(daemon: &Daemon) {
    let mut admin = daemon.admin();
    let mut connections = || admin.status().unwrap().connections;
    // Others that have just left are still being counted.
    wait_until(|| connections() == 1);
    let helper = Helper::connect("admin::leaves_a_socket_behind", &daemon.path("tallyd.sock"));
    wait_until(|| connections() == 2);
    let heir = helper.go();
    wait_until(|| connections() == 1);
    heir.end();
}

fn wait_until(mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The helper, and nothing where it is run as a test.
#[test]
fn leaves_a_socket_behind() {
    leave_a_socket_behind();
}
