//! Held cards and entry sessions of a daemon that is sealed, restarted and left alone.

use std::time::{Duration, Instant};

use tallystick::client::{Client, ClientError};
use tallystick::command::{CardSource, Command as Ask, HoldCard, OpenEntry, Provision};
use tallystick::types::{CardHandle, EntrySeconds, Expiry, HoldSeconds, IdempotencyKey, Pan};
use tallystick::wire::{Custody, Opener, Status};

use crate::process::{Daemon, PAN, PASSPHRASE, card};

fn hold(seconds: u32) -> HoldCard {
    let (pan, expiry) = (Pan::parse(PAN.as_bytes()).unwrap(), Expiry::parse(b"4912").unwrap());
    HoldCard { pan, expiry, seconds: HoldSeconds::new(seconds).unwrap() }
}

fn opening(seconds: u32) -> OpenEntry {
    OpenEntry { seconds: EntrySeconds::new(seconds).unwrap() }
}

fn saved(handle: CardHandle) -> Provision {
    Provision { card: CardSource::Held(handle), ..card() }
}

fn status<T>(result: Result<T, ClientError>) -> Option<Status> {
    result.err().map(|error| error.status().unwrap_or_else(|| panic!("{error}")))
}

fn unseal(admin: &mut Client<std::os::unix::net::UnixStream>) {
    let passphrase = Opener::Passphrase(PASSPHRASE.as_bytes());
    assert!(!admin.custody(&Custody::Unseal(passphrase)).unwrap().sealed);
}

/// How many are held and open, as the metrics have it.
fn counts(daemon: &Daemon) -> [String; 2] {
    let metrics = daemon.admin().metrics().unwrap();
    ["tally_held_cards ", "tally_entry_sessions "].map(|name| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).to_owned()
    })
}

#[test]
fn sealing_and_a_restart_forget_what_is_held_and_a_retry_is_answered_all_the_same() {
    let mut daemon = Daemon::start();
    let mut vault = daemon.client();
    let key = IdempotencyKey::parse(b"order-1").ok();
    let mut held = vault.hold_card(hold(3600)).unwrap().handle;
    let token = vault.provision(saved(held), key).unwrap();
    for is_sealed in [true, false] {
        let session = vault.open_entry(opening(3600)).unwrap().session;
        let other = vault.hold_card(hold(3600)).unwrap().handle;
        let [cards, sessions] = counts(&daemon);
        assert_eq!((cards.parse(), sessions.as_str()), (Ok(if is_sealed { 2 } else { 1 }), "1"));
        if is_sealed {
            let mut admin = daemon.admin();
            assert!(admin.custody(&Custody::Seal).unwrap().sealed);
            assert_eq!(status(vault.hold_card(hold(1))), Some(Status::Sealed));
            assert_eq!(status(vault.open_entry(opening(1))), Some(Status::Sealed));
            assert_eq!(status(vault.release_card(held)), Some(Status::Sealed));
            unseal(&mut admin);
        } else {
            daemon.kill();
            daemon.launch();
            vault = daemon.client();
        }
        assert_eq!(counts(&daemon), ["0", "0"]);
        assert_eq!(status(vault.release_card(other)), Some(Status::UnknownHold));
        assert_eq!(status(vault.close_entry(session)), Some(Status::UnknownEntry));
        assert_eq!(status(vault.provision(saved(held), None)), Some(Status::UnknownHold));
        assert_eq!(vault.provision(saved(held), key).unwrap(), token);
        assert_eq!(status(vault.provision(saved(other), key)), Some(Status::IdempotencyConflict));
    }
    held = vault.hold_card(hold(3600)).unwrap().handle;
    assert!(vault.provision(saved(held), None).is_ok());
    assert!(daemon.stop().success());
    for entry in std::fs::read_dir(daemon.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { continue };
        let has_it = bytes.windows(PAN.len()).any(|window| window == PAN.as_bytes());
        assert!(!has_it, "{}", path.display());
    }
}

/// Nobody asks for them: they are looked for.
#[test]
fn what_is_held_and_open_goes_with_its_time() {
    let daemon = Daemon::start();
    let mut vault = daemon.client();
    let short = vault.hold_card(hold(1)).unwrap().handle;
    vault.open_entry(opening(1)).unwrap();
    let long = vault.hold_card(hold(3600)).unwrap().handle;
    let begun = Instant::now();
    while counts(&daemon) != ["1", "0"] {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", counts(&daemon));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status(vault.release_card(short)), Some(Status::UnknownHold));
    vault.release_card(long).unwrap();
}

/// However many keys are asked for, sealing comes in between, and each is answered.
#[test]
fn sealing_comes_in_between_openings() {
    let daemon = Daemon::start();
    let mut vault = daemon.client();
    for _ in 0..12 {
        vault.submit(&Ask::OpenEntry(opening(3600)), None).unwrap();
    }
    vault.flush().unwrap();
    assert!(vault.receive().unwrap().1.is_ok());
    let mut admin = daemon.admin();
    assert!(admin.custody(&Custody::Seal).unwrap().sealed);
    let refused: Vec<_> = (1..12).map(|_| status(vault.receive().unwrap().1)).collect();
    assert!(refused.iter().all(|status| matches!(status, None | Some(Status::Sealed))), "{refused:?}");
    // None is opened once it is sealed.
    assert!(refused.is_sorted_by_key(Option::is_some), "{refused:?}");
    unseal(&mut admin);
    assert_eq!(counts(&daemon), ["0", "0"]);
}
