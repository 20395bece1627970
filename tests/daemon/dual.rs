//! Dual control with two admins who are two users. It takes root to be both; without
//! it these tests say so and prove nothing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use rustix::process::{Gid, Uid};
use serde_json::Value;
use tallystick::client::Client;
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::keys::{KeyState, OpenKeyring, SealedKeyring};
use tallystick::secmem::Region;
use tallystick::types::{KeyVersion, TokenNumber, UnixTime};
use tallystick::wire::{Control, ControlReply, Status};

use crate::bulk::Cards;
use crate::process::{Daemon, PASSPHRASE, issue_of, provision, tally, verify_of};

/// Users and group that need not exist.
pub const ANNA: u32 = 64_001;
pub const BEN: u32 = 64_002;
const GROUP: u32 = 64_100;

const PEERS: &str = r#"
[keys]
grace_seconds = 3600

[[peer]]
name = "anna-elsewhere"
gid = 64101
roles = ["admin"]

[[peer]]
name = "anna"
uid = 64001
roles = ["admin", "detokenizer"]

[[peer]]
name = "ben"
uid = 64002
roles = ["admin"]
"#;

/// A directory in which both may reach the admin socket; none without root.
pub fn prepared() -> Option<Daemon> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT PROVEN: two admins are two users, which takes root");
        return None;
    }
    let daemon = Daemon::prepared(|config| {
        let sockets = format!("[sockets]\nadmin_group = {GROUP}\n\n[cryptogram]");
        config.replacen("[cryptogram]", &sockets, 1) + PEERS
    });
    fs::set_permissions(daemon.dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    Some(daemon)
}

/// What `tally` tells a user. A copy of the program is run: the original may lie where
/// others cannot reach it.
fn told(daemon: &Daemon, user: u32, arguments: &[&str]) -> (Value, i32) {
    told_in(daemon, user, GROUP, arguments)
}

/// The same of a user in another group.
fn told_in(daemon: &Daemon, user: u32, group: u32, arguments: &[&str]) -> (Value, i32) {
    told_by(daemon, (user, group), arguments, "")
}

/// The same, with something to read.
pub fn told_with(daemon: &Daemon, user: u32, arguments: &[&str], input: &str) -> (Value, i32) {
    told_by(daemon, (user, GROUP), arguments, input)
}

fn told_by(daemon: &Daemon, (user, group): (u32, u32), arguments: &[&str], input: &str) -> (Value, i32) {
    let program = daemon.path("tally");
    if !program.exists() {
        // By another process: what this one has open for writing, a child that another
        // thread starts would hold on to, and nobody runs a file that is being written.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_tally")).arg(&program).status().unwrap();
        assert!(copied.success());
    }
    let mut command = Command::new(program);
    command.arg("--json").args(arguments).env("TALLY_DIR", daemon.dir.path()).uid(user).gid(group);
    let pipe = || Stdio::piped();
    let mut child = command.current_dir("/").stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    // One that does not read it has ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let json = serde_json::from_str(&said);
    let errors = String::from_utf8_lossy(&output.stderr);
    (json.unwrap_or_else(|_| panic!("{arguments:?}: {said}{errors}")), output.status.code().unwrap())
}

pub fn done(daemon: &Daemon, user: u32, arguments: &[&str]) -> Value {
    let (json, code) = told(daemon, user, arguments);
    assert_eq!((code, &json["ok"]), (0, &Value::Bool(true)), "{arguments:?}: {json}");
    json
}

pub fn refused(daemon: &Daemon, user: u32, arguments: &[&str], status: &str) {
    let (json, code) = told(daemon, user, arguments);
    assert_eq!((code, json["status"].as_str()), (1, Some(status)), "{arguments:?}: {json}");
}

/// A page of all PANs, asked for by Anna through a client of her own making.
fn read_page(daemon: &Daemon, digest: &str, after: Option<u32>) -> Result<Option<u32>, Status> {
    let (socket, digest) = (daemon.path("admin.sock"), HEXLOWER.decode(digest.as_bytes()).unwrap());
    let asked = Control::DetokenizeAll { digest: digest.try_into().unwrap(), after, limit: 100 };
    let ask = move || {
        // Of this thread only.
        rustix::thread::set_thread_gid(Gid::from_raw(GROUP)).unwrap();
        rustix::thread::set_thread_uid(Uid::from_raw(ANNA)).unwrap();
        match Client::connect(&socket, "anna").unwrap().control(&asked) {
            Ok(ControlReply::Export(export)) => Ok(export.next),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.status().unwrap()),
        }
    };
    std::thread::spawn(ask).join().unwrap()
}

/// The digest of what Anna proposed and Ben approved.
pub fn agreed(daemon: &Daemon, proposal: &[&str]) -> String {
    let proposal: Vec<_> = ["propose"].iter().chain(proposal).copied().collect();
    let digest = done(daemon, ANNA, &proposal)["digest"].as_str().unwrap().to_owned();
    assert_eq!(done(daemon, BEN, &["approve", &digest])["approved_by"], "ben");
    digest
}

fn opened(daemon: &Daemon) -> OpenKeyring {
    let sealed = SealedKeyring::from_bytes(&fs::read(daemon.path("keyring")).unwrap()).unwrap();
    sealed.open(&Region::new(64).unwrap(), &PASSPHRASE.as_bytes().to_vec().into()).unwrap()
}

/// Rotates keys, while the daemon is stopped, as if some hours ago.
fn rotate(daemon: &Daemon, hours: u64, purposes: &[KeyPurpose]) {
    let mut keyring = opened(daemon);
    let then = UnixTime::from_seconds(UnixTime::from_system_clock().seconds() - hours * 3600);
    for purpose in purposes {
        keyring.rotate(&SystemRandom, *purpose, then).unwrap();
    }
    fs::write(daemon.path("keyring"), keyring.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
}

fn state(daemon: &Daemon, purpose: KeyPurpose) -> KeyState {
    let keyring = opened(daemon);
    keyring.infos().find(|key| key.purpose == purpose && key.version == KeyVersion::FIRST).unwrap().state
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_key_is_destroyed_by_two_admins_and_only_when_nothing_needs_it() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    assert_eq!(mode(&daemon.path("admin.sock")), 0o660);
    let token = provision(&mut daemon.client());
    daemon.stop();
    rotate(&daemon, 2, &[KeyPurpose::PanSealing, KeyPurpose::Audit]);
    daemon.launch();
    let mut client = daemon.client();
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;

    let proposal = done(&daemon, ANNA, &["propose", "destroy", "pan-sealing", "1"]);
    let digest = proposal["digest"].as_str().unwrap();
    refused(&daemon, ANNA, &["destroy", digest], "proposal_open");
    refused(&daemon, ANNA, &["approve", digest], "proposal_own");
    refused(&daemon, BEN, &["approve", &"0".repeat(64)], "proposal_unknown");
    let listed = done(&daemon, BEN, &["proposals"]);
    assert_eq!(listed["proposals"][0]["proposed_by"], "anna");
    assert_eq!(listed["proposals"][0]["operation"], "destroy_key");
    done(&daemon, BEN, &["approve", digest]);
    refused(&daemon, BEN, &["destroy", digest], "proposal_of_another");
    refused(&daemon, ANNA, &["detokenize-all", digest, "--out", "/nonexistent"], "proposal_unknown");
    // The token's PAN is still sealed by it.
    refused(&daemon, ANNA, &["destroy", digest], "key_needed");
    assert_eq!(state(&daemon, KeyPurpose::PanSealing), KeyState::Retiring);
    done(&daemon, 0, &["reseal"]);
    done(&daemon, ANNA, &["destroy", digest]);
    assert_eq!(state(&daemon, KeyPurpose::PanSealing), KeyState::Destroyed);
    let status = done(&daemon, 0, &["status"]);
    let keys = status["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["purpose"] == "pan-sealing" && key["state"] == "destroyed"));
    assert!(keys.iter().all(|key| key["kcv"].as_str().unwrap().len() == 6));
    refused(&daemon, ANNA, &["destroy", digest], "proposal_unknown");

    // The same connection goes on, also after a start.
    client.verify(verify_of(&token, cryptogram), None).unwrap();
    let digits = |daemon: &Daemon| daemon.client().detokenize(token.token).unwrap();
    assert_eq!(digits(&daemon).pan.expose_digits(), crate::process::PAN.as_bytes());
    daemon.stop();
    daemon.launch();
    assert_eq!(digits(&daemon).pan.expose_digits(), crate::process::PAN.as_bytes());

    // Rows and records are under MACs of an audit key; an active key is never destroyed.
    let digest = agreed(&daemon, &["destroy", "audit", "1"]);
    refused(&daemon, ANNA, &["destroy", &digest], "key_needed");
    let digest = agreed(&daemon, &["destroy", "par", "1"]);
    refused(&daemon, ANNA, &["destroy", &digest], "key_not_retiring");
    done(&daemon, BEN, &["withdraw", &digest]);
    refused(&daemon, ANNA, &["destroy", &digest], "proposal_unknown");
}

#[test]
fn a_key_in_its_grace_verifies_and_is_not_destroyed_and_past_it_neither() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    let token = provision(&mut daemon.client());
    let issued = [0; 2].map(|_| daemon.client().issue(issue_of(&token), None).unwrap().cryptogram);
    daemon.stop();
    rotate(&daemon, 0, &[KeyPurpose::TokenDerivation]);
    daemon.launch();
    daemon.client().verify(verify_of(&token, issued[0]), None).unwrap();
    let digest = agreed(&daemon, &["destroy", "token-derivation", "1"]);
    refused(&daemon, ANNA, &["destroy", &digest], "key_in_grace");
    daemon.stop();
    // Without grace from the first: what the retiring version made is void.
    let config = fs::read_to_string(daemon.path("tallyd.toml")).unwrap();
    fs::write(daemon.path("tallyd.toml"), config.replace("grace_seconds = 3600", "grace_seconds = 0"))
        .unwrap();
    rotate(&daemon, 2, &[KeyPurpose::TokenDerivation]);
    daemon.launch();
    let newer = daemon.client().issue(issue_of(&token), None).unwrap().cryptogram;
    daemon.client().verify(verify_of(&token, newer), None).unwrap();
    daemon.stop();
    rotate(&daemon, 1, &[KeyPurpose::TokenDerivation]);
    daemon.launch();
    let gone = daemon.client().verify(verify_of(&token, newer), None).unwrap_err();
    assert_eq!(gone.status().unwrap().name(), "key_version");
    let digest = agreed(&daemon, &["destroy", "token-derivation", "2"]);
    done(&daemon, ANNA, &["destroy", &digest]);
    let newest = daemon.client().issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(newest.header().unwrap().key_version.get(), 4);
    daemon.client().verify(verify_of(&token, newest), None).unwrap();
}

#[test]
fn one_user_in_two_groups_is_one_admin() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    // The socket's group is not the only way in.
    fs::set_permissions(daemon.path("admin.sock"), fs::Permissions::from_mode(0o666)).unwrap();
    let proposed = done(&daemon, ANNA, &["propose", "destroy", "pan-sealing", "1"]);
    let digest = proposed["digest"].as_str().unwrap();
    let (json, _) = told_in(&daemon, ANNA, 64_101, &["approve", digest]);
    assert_eq!(json["status"], "proposal_own", "{json}");
    let (json, _) = told_in(&daemon, BEN, 64_101, &["approve", digest]);
    assert_eq!(json["approved_by"], "anna-elsewhere", "{json}");
}

#[test]
fn all_pans_are_read_by_two_admins_once() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    let cards = Cards::write(&daemon, 250);
    assert!(cards.command(&daemon).output().unwrap().status.success());
    let tokens = cards.rows().into_iter().map(|row| TokenNumber::parse(row[2].as_bytes()).unwrap());
    let expected: Vec<_> =
        tokens.zip(&cards.pans).map(|(token, (_, pan))| format!("{token},{pan},4912")).collect();
    // One whose PAN is erased.
    done(&daemon, 0, &["token", "delete", expected[7].split(',').next().unwrap()]);
    let out = daemon.path("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).unwrap();
    let file = |name: &str| out.join(name).to_str().unwrap().to_owned();

    refused(&daemon, BEN, &["propose", "detokenize-all"], "role_missing");
    let digest = done(&daemon, ANNA, &["propose", "detokenize-all"])["digest"].as_str().unwrap().to_owned();
    refused(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("early")], "proposal_open");
    assert!(!out.join("early").exists());
    done(&daemon, BEN, &["approve", &digest]);
    refused(&daemon, BEN, &["detokenize-all", &digest, "--out", &file("ben")], "proposal_of_another");
    let told = done(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("all")]);
    assert_eq!((&told["cards"], &told["left_out"]), (&249.into(), &0.into()));
    assert_eq!(mode(&out.join("all")), 0o600);
    let text = fs::read_to_string(out.join("all")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "token,pan,expiry");
    let expected: Vec<_> = expected.into_iter().enumerate().filter(|(at, _)| *at != 7).collect();
    assert!(lines[1..].iter().eq(expected.iter().map(|(_, line)| line)));
    refused(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("again")], "proposal_unknown");

    // By another program: no page twice, whatever it asks.
    let digest = agreed(&daemon, &["detokenize-all"]);
    assert_eq!(read_page(&daemon, &digest, None), Ok(Some(99)));
    assert_eq!(read_page(&daemon, &digest, None), Err(Status::ProposalUnknown));
    assert_eq!(read_page(&daemon, &digest, Some(99)), Ok(Some(199)));
    assert_eq!(read_page(&daemon, &digest, Some(99)), Err(Status::ProposalUnknown));
    assert_eq!(read_page(&daemon, &digest, Some(199)), Ok(None));

    let digest = agreed(&daemon, &["detokenize-all", "--trid", "40010000999"]);
    let told = done(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("none")]);
    assert_eq!(told["cards"], 0);
    // Sealing forgets what was proposed and approved.
    let digest = agreed(&daemon, &["detokenize-all"]);
    done(&daemon, 0, &["seal"]);
    refused(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("sealed")], "sealed");
    let mut unseal = tally(daemon.dir.path(), &["unseal", "--file"]);
    assert!(unseal.arg(daemon.path("passphrase")).status().unwrap().success());
    refused(&daemon, ANNA, &["detokenize-all", &digest, "--out", &file("after")], "proposal_unknown");
    assert!(!daemon.log().contains(&cards.pans[0].1), "a PAN is in the log");
}
