//! Who is let in, for how long, and how often it may ask.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tallystick::client::Client;
use tallystick::types::Cryptogram;
use tallystick::wire::Status;

use crate::heir::{Helper, leave_a_socket_behind};
use crate::process::{Daemon, issue_of, provision, tally};

fn peer_is(rule: &str) -> impl FnOnce(String) -> String {
    let rule = rule.to_owned();
    move |config| config.replacen("name = \"owner\"\n", &format!("name = \"owner\"\n{rule}\n"), 1)
}

fn digest_of(path: &std::path::Path) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(std::fs::read(path).unwrap()))
}

fn pins_peers() -> bool {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let pins = nix::sys::socket::getsockopt(&ours, nix::sys::socket::sockopt::PeerPidfd).is_ok();
    if !pins {
        println!("SKIPPED: the kernel pins no peers (SO_PEERPIDFD)");
    }
    pins
}

/// Waits for something that comes by itself.
fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(300), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Connects as another group does, which no rule names.
fn strangers(daemon: &Daemon, count: usize) -> Vec<UnixStream> {
    let socket = daemon.socket();
    let stranger = std::thread::spawn(move || {
        let group = rustix::process::Gid::from_raw(65_534);
        // Of this thread only.
        rustix::thread::set_thread_gid(group).unwrap();
        (0..count).map(|_| UnixStream::connect(&socket).unwrap()).collect()
    });
    stranger.join().unwrap()
}

#[test]
fn silent_strangers_do_not_keep_the_door_shut() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can be two peers");
        return;
    }
    let daemon = Daemon::start_with(peer_is("gid = 0"));
    let silent = strangers(&daemon, 600);
    // At 200 milliseconds each it would take minutes: this client gives up after half of one.
    let mut friend = daemon.client();
    provision(&mut friend);
    let metrics = daemon.admin().metrics().unwrap();
    assert!(metrics.contains("tally_refused_connections_total{reason=\"unknown_peer\"} 600"), "{metrics}");
    drop(silent);
}

#[test]
fn an_executable_is_let_in_and_another_of_the_same_user_is_not() {
    if !pins_peers() {
        return;
    }
    let own = digest_of(&std::env::current_exe().unwrap());
    let daemon = Daemon::start_with(peer_is(&format!("executable_sha256 = \"{own}\"")));
    provision(&mut daemon.client());
    let other = tally(daemon.dir.path(), &["status"]).output().unwrap();
    assert!(!other.status.success() && String::from_utf8_lossy(&other.stderr).contains("peer"), "{other:?}");

    let theirs = digest_of(env!("CARGO_BIN_EXE_tally").as_ref());
    let daemon = Daemon::start_with(peer_is(&format!("executable_sha256 = \"{theirs}\"")));
    let refused = Client::connect(&daemon.path("admin.sock"), "test");
    assert_eq!(refused.err().and_then(|error| error.status()), Some(Status::PeerUnknown));
    let served = tally(daemon.dir.path(), &["status"]).output().unwrap();
    assert!(served.status.success(), "{}", String::from_utf8_lossy(&served.stderr));
}

#[test]
fn a_connection_ends_with_the_process_that_opened_it() {
    if leave_a_socket_behind() || !pins_peers() {
        return;
    }
    let daemon = Daemon::start();
    let mut admin = daemon.admin();
    let name = "peers::a_connection_ends_with_the_process_that_opened_it";
    let helper = Helper::connect(name, &daemon.socket());
    let connections = |admin: &mut Client<UnixStream>| admin.status().unwrap().connections;
    wait_until("the helper connects", || connections(&mut admin) == 2);
    let heir = helper.go();
    wait_until("the connection ends", || connections(&mut admin) == 1);
    heir.end();
}

#[test]
fn a_peer_asks_as_often_as_it_may() {
    let daemon = Daemon::start_with(peer_is("requests_per_second = 5"));
    let mut client = daemon.client();
    let token = provision(&mut client);
    // The bucket is full again after a second, and never holds more than five.
    std::thread::sleep(Duration::from_secs(1));
    let answers = client.issue_batch(&vec![(issue_of(&token), None); 64]).unwrap();
    let limited = |answer: &Result<_, Status>| *answer == Err(Status::RateLimited);
    let granted = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert_eq!(granted, 5);
    assert!(answers.iter().skip(granted).all(|answer| limited(&answer.map(|_| ()))));
    // Another connection draws from the same bucket; what is no work is not limited.
    let mut second = daemon.client();
    second.ping().unwrap();
    let again = second.issue_batch(&vec![(issue_of(&token), None); 64]).unwrap();
    assert!(again.iter().filter(|answer| answer.is_ok()).count() <= 5);
    // Nothing was done for the others: the counters go on without a gap.
    wait_until("there is a request left", || match client.issue(issue_of(&token), None) {
        Ok(issued) => {
            let before = granted + again.iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(atc(&issued.cryptogram), before + 1);
            true
        }
        Err(error) => {
            assert_eq!(error.status(), Some(Status::RateLimited));
            false
        }
    });
}

fn atc(cryptogram: &Cryptogram) -> usize {
    cryptogram.header().unwrap().atc.get() as usize
}

#[test]
fn a_full_house_still_has_room_for_an_admin() {
    let daemon = Daemon::start_with(|config| config + "\n[limits]\nconnections = 2\n");
    let mut admin = daemon.admin();
    // Whoever looked whether it serves may still be leaving.
    wait_until("nobody else is there", || admin.status().unwrap().connections == 1);
    let mut inside = [daemon.client(), daemon.client()];
    let refused = Client::connect(&daemon.socket(), "one too many");
    assert_eq!(refused.err().and_then(|error| error.status()), Some(Status::Busy));
    assert_eq!(admin.status().unwrap().connections, 3);
    inside.iter_mut().for_each(|client| client.ping().unwrap());
}
