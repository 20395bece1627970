//! No PAN and no key where it does not belong: log, errors, replies, metrics,
//! files.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use tallystick::command::{Command, Reply};
use tallystick::wire::Opcode;

use crate::keyring::Keys;
use crate::process::{Daemon, PAN, PASSPHRASE, issue_of, provision, tally, verify_of};
use crate::raw::Raw;
use crate::search::{Piece, Search};

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
    for path in files(daemon.dir.path()) {
        if path.file_name().unwrap() != "passphrase" {
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

/// Looked for while it runs and has a log, and when it has stopped.
#[test]
fn the_keys_stand_in_no_file_of_a_used_directory() {
    let mut daemon = Daemon::prepared(|config| config);
    let passphrase = daemon.path("passphrase");
    let rotate = ["rotate", "--passphrase-file", passphrase.to_str().unwrap(), "token-derivation"];
    assert!(tally(daemon.dir.path(), &rotate).status().unwrap().success());
    daemon.launch();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let issued = client.issue(issue_of(&token), None).unwrap();
    client.verify(verify_of(&token, issued.cryptogram), None).unwrap();
    client.detokenize(token.token).unwrap();
    let secrets = secrets_of(&daemon, &token.token.to_string());
    assert_eq!(found(&daemon, &secrets, &["tally.db-wal", "audit"]), "");
    assert!(daemon.stop().success());
    assert_eq!(found(&daemon, &secrets, &["audit"]), "");
    // Of each a part would be found, wherever in the directory it is.
    for (number, Secret { bytes, part, .. }) in secrets.iter().enumerate() {
        let planted = daemon.path("audit").join(format!("planted-{number}"));
        std::fs::write(planted, [&[b'x'; 4093], &bytes[bytes.len() - part..], b"x"].concat()).unwrap();
    }
    let found = found(&daemon, &secrets, &["audit"]);
    for (number, Secret { name, .. }) in secrets.iter().enumerate() {
        let told = format!("audit/planted-{number}: {name}: ");
        assert!(found.lines().any(|line| line.starts_with(&told)), "{told}: {found}");
    }
    assert_eq!(found.lines().count(), secrets.len(), "{found}");
}

/// What may stand in no file.
struct Secret {
    name: String,
    bytes: Vec<u8>,
    /// How many neighbouring bytes of it are too many.
    part: usize,
}

/// Every key there is, as bytes and in hex; the PAN, as digits and packed; the
/// passphrase.
fn secrets_of(daemon: &Daemon, token: &str) -> Vec<Secret> {
    let keyring = Keys::open(&daemon.path("keyring"), PASSPHRASE.as_bytes());
    let derivation = keyring.token_derivation();
    let mut keys = keyring.all();
    // The passphrase's and the root key; one of each purpose, of the first two.
    assert_eq!((keys.len(), derivation.len()), (2 + 5 + 1, 2));
    for (version, key) in derivation {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let text = [b"tallystick/v1/token-key", token.as_bytes(), &[1]].concat();
        let key = ring::hmac::sign(&key, &text).as_ref().try_into().unwrap();
        keys.push((format!("key of the token, version {version}"), key));
    }
    let secret =
        |name: &str, bytes: &[u8], part| Secret { name: name.to_owned(), bytes: bytes.to_vec(), part };
    let packed = HEXLOWER.decode(PAN.as_bytes()).unwrap();
    let mut secrets = vec![
        secret("PAN", PAN.as_bytes(), 8),
        secret("packed PAN", &packed, packed.len()),
        secret("passphrase", PASSPHRASE.as_bytes(), PASSPHRASE.len()),
    ];
    for (name, key) in keys {
        secrets.push(secret(&name, &key, 8));
        secrets.push(secret(&format!("{name} in hex"), HEXLOWER.encode(&key).as_bytes(), 16));
    }
    secrets
}

/// What is found, and in which files: all that there are but the passphrase's own,
/// among them the keyring, the database, the logs and these.
fn found(daemon: &Daemon, secrets: &[Secret], expected: &[&str]) -> String {
    let mut search = Search::default();
    for Secret { name, bytes, part } in secrets {
        search.add(name, bytes.windows(*part).map(<[u8]>::to_vec).collect());
    }
    let files = files(daemon.dir.path());
    for name in ["keyring", "tally.db", "tallyd.toml", "log", "audit-head"].iter().chain(expected) {
        let path = daemon.path(name);
        assert!(files.iter().any(|file| file.starts_with(&path)), "there is no {name}: {files:?}");
    }
    let mut told = String::new();
    for file in files.iter().filter(|file| **file != daemon.path("passphrase")) {
        let piece = Piece { start: 0, bytes: std::fs::read(file).unwrap() };
        let name = file.strip_prefix(daemon.dir.path()).unwrap().display();
        for line in search.in_all(&[piece]).to_string().lines() {
            told += &format!("{name}: {line}\n");
        }
    }
    told
}

/// Every file under a directory, however deep.
fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            assert!(kind.is_dir() || kind.is_file() || kind.is_socket(), "{entry:?}");
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found
}
