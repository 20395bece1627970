//! One daemon takes over from another on the same listening sockets, and nobody who
//! pays notices: no request fails, no counter comes twice, nothing acknowledged is lost.

mod callers;

use std::io::{Read, Write};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tallystick::client::ClientError;
use tallystick::wire::{FrameWriter, Hello, Opcode, Status, encode_command};

use crate::process::{issue_of, provision, verify_of};
use crate::service::Manager;
use callers::{Callers, reconnecting};

/// Hand-overs of each kind.
const ROUNDS: usize = 3;

fn start(manager: &Manager, more: &[&str]) -> Child {
    let [data, admin] = &manager.listeners;
    manager.start_with([data, admin], more)
}

fn end(manager: &Manager, child: &mut Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
    let how = child.wait().unwrap();
    assert_eq!(how.success(), signal == Signal::TERM, "{}", manager.daemon.log());
}

/// Stops the old one, then starts the new one, as `systemctl restart` does.
fn restart(manager: &Manager, mut old: Child) -> Child {
    let begun = Instant::now();
    end(manager, &mut old, Signal::TERM);
    let new = start(manager, &[]);
    manager.hears("READY=1");
    println!("restarted in {:?}", begun.elapsed());
    new
}

/// Has the new one stand by before the old one is stopped.
fn relieve(manager: &Manager, mut old: Child) -> Child {
    let new = start(manager, &["--wait", "120"]);
    manager.hears("STATUS=standing by");
    let begun = Instant::now();
    end(manager, &mut old, Signal::TERM);
    manager.hears("READY=1");
    println!("relieved in {:?}", begun.elapsed());
    new
}

#[test]
fn nobody_notices_that_daemons_relieve_each_other() {
    let manager = Manager::new();
    let mut daemon = start(&manager, &[]);
    manager.hears("READY=1");
    let mut callers = Callers::begin(&manager);
    for _ in 0..ROUNDS {
        for hand_over in [restart, relieve] {
            callers.work_on();
            daemon = hand_over(&manager, daemon);
        }
    }
    callers.work_on();
    let done = callers.end();
    println!("{} requests, longest wait in each caller: {:?}", done.requests(), done.longest());
    assert_eq!(done.unknown(), 0, "a goodbye leaves nothing unknown");
    done.check(&manager, 2 * ROUNDS);
    end(&manager, &mut daemon, Signal::TERM);
}

#[test]
fn after_a_crash_what_has_a_key_is_done_once_and_the_rest_is_told_as_unknown() {
    let manager = Manager::new();
    let mut daemon = start(&manager, &[]);
    manager.hears("READY=1");
    let mut callers = Callers::begin(&manager);
    for _ in 0..ROUNDS {
        callers.work_on();
        end(&manager, &mut daemon, Signal::KILL);
        daemon = start(&manager, &[]);
        manager.hears("READY=1");
    }
    callers.work_on();
    let done = callers.end();
    println!("{} requests, {} unknown", done.requests(), done.unknown());
    done.check(&manager, ROUNDS);
    end(&manager, &mut daemon, Signal::TERM);
}

#[test]
fn the_goodbye_comes_behind_the_answer_to_everything_that_had_arrived() {
    let manager = Manager::new();
    let mut old = start(&manager, &[]);
    manager.hears("READY=1");
    let socket = manager.daemon.path("run/tallyd.sock");
    let token = provision(&mut manager.client());
    // More than one turn of the connection, none of it read, and half a frame behind.
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let mut out = Vec::new();
    let frame = FrameWriter::begin(&mut out, Opcode::Hello.number(), 0, 1);
    Hello::ours("raw").encode(&mut out);
    frame.finish(&mut out);
    stream.write_all(&out).unwrap();
    // It is inside, and not in the queue for the next daemon.
    let mut told = vec![0; 16];
    stream.read_exact(&mut told).unwrap();
    out.clear();
    let asked = 1200_u64;
    for id in 2..2 + asked {
        let frame = FrameWriter::begin(&mut out, Opcode::Issue.number(), 0, id);
        encode_command(&mut out, &tallystick::command::Command::Issue(issue_of(&token)), None);
        frame.finish(&mut out);
    }
    stream.write_all(&out).unwrap();
    stream.write_all(&out[..30]).unwrap();
    kill_process(Pid::from_child(&old), Signal::TERM).unwrap();
    stream.read_to_end(&mut told).unwrap();
    assert!(old.wait().unwrap().success());
    let goodbye = [0, 0, 0, 12, 0, 1, 0x06, 0x05, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(told[told.len() - 16..], goodbye);
    let mut rest = &told[..told.len() - 16];
    let mut ids = Vec::new();
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let length = 4 + u32::from_be_bytes(*length) as usize;
        assert_eq!(rest[6..8], [0, 0], "a request that had arrived is refused");
        ids.push(u64::from_be_bytes(rest[8..16].try_into().unwrap()));
        rest = &rest[length..];
    }
    assert_eq!(ids, (1..2 + asked).collect::<Vec<_>>());
    let new = start(&manager, &[]);
    manager.hears("READY=1");
    let issued = manager.client().issue(issue_of(&token), None).unwrap();
    assert_eq!(callers::counter_of(&issued.cryptogram), asked + 1, "what was answered was done, and no more");
    let mut new = new;
    end(&manager, &mut new, Signal::TERM);
}

#[test]
fn a_client_that_does_not_reconnect_is_told_which_requests_were_not_done() {
    let manager = Manager::new();
    let mut old = start(&manager, &[]);
    manager.hears("READY=1");
    let mut client = manager.client();
    let token = provision(&mut client);
    client.issue(issue_of(&token), None).unwrap();
    end(&manager, &mut old, Signal::TERM);
    // Idle meanwhile: what it writes nobody reads any more.
    let error = client.issue(issue_of(&token), None).unwrap_err();
    assert!(matches!(error, ClientError::GoneAway), "{error}");
    assert!(client.ping().is_err(), "it is of no more use");
    assert_eq!(Status::from_code(0x0605), Some(Status::GoingAway));
}

#[test]
fn a_new_daemon_that_would_not_serve_leaves_the_old_one_serving() {
    let manager = Manager::new();
    let mut old = start(&manager, &[]);
    manager.hears("READY=1");
    let token = provision(&mut manager.client());
    let pay = || {
        let cryptogram = manager.client().issue(issue_of(&token), None).unwrap().cryptogram;
        manager.client().verify(verify_of(&token, cryptogram), None).unwrap();
    };
    let code = |more: &[&str]| start(&manager, more).wait().unwrap().code();
    assert_eq!(code(&["--check"]), Some(0), "{}", manager.daemon.log());
    assert!(manager.daemon.log().contains("it would serve"), "{}", manager.daemon.log());
    // Without patience, and with too little.
    assert_eq!(code(&[]), Some(1));
    assert!(manager.daemon.log().contains("a tallyd runs on this directory"));
    assert_eq!(code(&["--wait", "1"]), Some(1));
    assert!(manager.daemon.log().contains("has not ended within 1 s"), "{}", manager.daemon.log());
    pay();
    let config = manager.daemon.path("tallyd.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("nonsense = 1\n{good}")).unwrap();
    for how in [&["--check"][..], &["--wait", "120"]] {
        assert_eq!(code(how), Some(1));
        pay();
    }
    std::fs::write(&config, good).unwrap();
    std::fs::write(manager.daemon.path("passphrase"), "another passphrase").unwrap();
    for how in [&["--check"][..], &["--wait", "120"]] {
        assert_eq!(code(how), Some(1));
        pay();
    }
    end(&manager, &mut old, Signal::TERM);
}

#[test]
fn who_finds_no_daemon_waits_as_long_as_it_says_and_is_told() {
    let manager = Manager::new();
    let nobody = manager.daemon.path("run/nobody.sock");
    let mut client = tallystick::client::Reconnecting::new(nobody, "test", Duration::from_millis(50));
    let list = tallystick::command::Command::List(callers::all());
    assert!(matches!(client.call(&list, None).unwrap_err(), ClientError::Away(_)));
    // Somebody comes within its patience.
    let [data, _] = &manager.listeners;
    let early = Arc::new(AtomicBool::new(false));
    let asks = std::thread::spawn({
        let (manager_socket, early) = (data.local_addr().unwrap(), Arc::clone(&early));
        let mut client = reconnecting(manager_socket.as_pathname().unwrap());
        move || {
            let begun = Instant::now();
            let answer = client.call(&list, None);
            early.store(true, Ordering::SeqCst);
            (answer.is_ok(), begun.elapsed())
        }
    });
    assert!(!early.load(Ordering::SeqCst));
    let mut daemon = start(&manager, &[]);
    manager.hears("READY=1");
    let (is_answered, _) = asks.join().unwrap();
    assert!(is_answered);
    end(&manager, &mut daemon, Signal::TERM);
}
