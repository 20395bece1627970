//! No PAN and no key where it does not belong: log, errors, replies, metrics,
//! files.

use tallystick::command::{Command, Reply};
use tallystick::keys::SealedKeyring;
use tallystick::secmem::Region;
use tallystick::wire::Opcode;

use crate::process::{Daemon, PAN, PASSPHRASE, issue_of, provision, tally, verify_of};
use crate::raw::Raw;

/// Whether any eight neighbouring digits of the PAN, or the passphrase, stand in
/// `text`; the first six and last four alone may be shown.
fn holds_secret(text: &[u8]) -> bool {
    let digits = PAN.as_bytes().windows(8);
    let mut parts = digits.chain([PASSPHRASE.as_bytes()]);
    parts.any(|part| text.windows(part.len()).any(|window| window == part))
}

#[test]
fn the_scan_finds_what_is_planted() {
    assert!(holds_secret(format!("x{}y", &PAN[4..12]).as_bytes()));
    assert!(!holds_secret(b"4929 and 9015"));
}

#[test]
fn log_metrics_files_and_replies_hold_none() {
    let mut daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let issued = client.issue(issue_of(&token), None).unwrap();
    client.verify(verify_of(&token, issued.cryptogram), None).unwrap();
    let Reply::Detokenized(card) = client.call(&Command::Detokenize(token.token), None).unwrap() else {
        panic!()
    };
    assert_eq!(card.pan.expose_digits(), PAN.as_bytes());
    let mut raw = Raw::greeted(&daemon.socket());
    // A PAN in every wrong place: as a token, as a TRID, as garbage, in an unknown operation.
    for opcode in Opcode::ALL.iter().map(|opcode| opcode.number()).chain([0x7777]) {
        for body in [PAN.as_bytes().to_vec(), [&[0xa1, 1, 0x70], PAN.as_bytes()].concat()] {
            raw.send(opcode, 0, &body);
            let (_, _, _, told) = raw.read();
            assert!(!holds_secret(&told), "opcode {opcode:#x}");
        }
    }
    let metrics = daemon.admin().metrics().unwrap();
    assert!(!holds_secret(metrics.as_bytes()));
    assert!(daemon.stop().success());
    for entry in std::fs::read_dir(daemon.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "passphrase" && path.is_file() {
            assert!(!holds_secret(&std::fs::read(&path).unwrap()), "{}", path.display());
        }
    }
    assert!(daemon.log().contains("serving"), "the log was scanned, but nothing was logged");
}

#[test]
fn errors_of_the_command_line_hold_none() {
    let daemon = Daemon::start();
    let bad = daemon.path("bad-pan");
    std::fs::write(&bad, format!("{}7\n", &PAN[..15])).unwrap();
    for arguments in [&["par"][..], &["fingerprint"], &["--json", "par"]] {
        let output = tally(daemon.dir.path(), arguments).arg("--pan-file").arg(&bad).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
        assert!(!holds_secret(&output.stdout) && !holds_secret(&output.stderr));
    }
}

#[test]
fn the_keys_stand_in_no_file_of_a_used_directory() {
    let mut daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    client.issue(issue_of(&token), None).unwrap();
    daemon.stop();
    let region = Region::new(64).unwrap();
    let sealed = SealedKeyring::from_bytes(&std::fs::read(daemon.path("keyring")).unwrap()).unwrap();
    let open = sealed.open(&region, &PASSPHRASE.as_bytes().to_vec().into()).unwrap();
    // Master keys cannot be read out even here; a token key, which is made only to be used, can.
    let keyring = open.load().unwrap();
    let derived = tallystick::cryptogram::native::Deriver::new(keyring.token_derivation.active().1);
    let token_key = derived.derive(token.token);
    for name in ["keyring", "tally.db", "tally.db-wal", "log"] {
        let bytes = std::fs::read(daemon.path(name)).unwrap_or_default();
        let found = token_key.as_bytes().windows(8).any(|part| bytes.windows(8).any(|window| window == part));
        assert!(!found, "{name}");
    }
}
