//! Whatever an admin asks is in the log: who asked for what, and how it ended, as often
//! as it was asked. It takes root to be several admins; without it this says so and
//! proves nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use data_encoding::HEXLOWER;
use serde_json::Value;
use tallystick::client::{Client, ClientError};
use tallystick::command::Reseal;
use tallystick::crypto::{KeyAlgorithm, KeyPurpose, SystemRandom};
use tallystick::daemon::audit::{Kept, kept};
use tallystick::keys::{CheckMethod, CheckValue, SealedKeyring};
use tallystick::secmem::Region;
use tallystick::types::{KeyLabel, KeyVersion, TokenNumber, UnixTime};
use tallystick::wire::{Component, Control, ControlReply, Custody, Digest, Opcode, Opener, Status, Wanted};

use crate::daemon::exported;
use crate::process::{Daemon, PASSPHRASE, provision};

/// What peers ask for on the socket of data. Whatever else there is administers: a new
/// operation belongs here, or is asked below.
const OF_PEERS: [Opcode; 27] = [
    Opcode::Hello,
    Opcode::Ping,
    Opcode::Issue,
    Opcode::Verify,
    Opcode::IssueBatch,
    Opcode::VerifyBatch,
    Opcode::IssueShort,
    Opcode::VerifyShort,
    Opcode::Provision,
    Opcode::Show,
    Opcode::List,
    Opcode::ChangeStatus,
    Opcode::Renew,
    Opcode::LinkPar,
    Opcode::Detokenize,
    Opcode::Par,
    Opcode::Fingerprint,
    Opcode::EmvIssue,
    Opcode::EmvVerify,
    Opcode::EmvArpc,
    Opcode::MakeCardValue,
    Opcode::VerifyCardValue,
    Opcode::HoldCard,
    Opcode::ReleaseCard,
    Opcode::OpenEntry,
    Opcode::EnterCard,
    Opcode::CloseEntry,
];

/// Users and a group that need not exist.
const ANNA: u32 = 64_001;
const BEN: u32 = 64_002;
const CARL: u32 = 64_003;
const GROUP: u32 = 64_100;

const PEERS: &str = r#"
[keys]
grace_seconds = 0

[[peer]]
name = "anna"
uid = 64001
roles = ["admin", "detokenizer"]

[[peer]]
name = "ben"
uid = 64002
roles = ["admin"]

[[peer]]
name = "carl"
uid = 64003
roles = ["verifier"]
"#;

/// The components of a transport key and of a card key, as long as AES-128 and 2-key TDES.
const COMPONENTS: [&str; 2] = ["0123456789abcdeffedcba9876543210", "1032547698badcfe0f1e2d3c4b5a6978"];

#[test]
fn whatever_admins_ask_is_recorded_with_who_and_how_it_ended() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("NOT PROVEN: several admins are several users, which takes root");
    }
    let mut office = Office::open();
    office.look_around();
    office.destroy_a_key();
    office.bring_a_key_in_and_out();
    office.read_all_pans();
    office.seal_and_unseal();
    office.be_refused();
    assert!(office.daemon.stop().success());

    for opcode in administrative() {
        let asked = |is_wanted: &dyn Fn(Status) -> bool| {
            office.asked.iter().any(|asked| asked.opcode == opcode && is_wanted(asked.status))
        };
        assert!(asked(&|status| status == Status::Ok), "{} was never done", opcode.name());
        assert!(asked(&|status| status == Status::AdminSocketOnly), "{} at the wrong door", opcode.name());
        assert!(asked(&|status| status == Status::RoleMissing), "{} without the role", opcode.name());
    }
    let records = exported(&office.daemon);
    assert_eq!(told(&records), office.expected());
    for record in records.iter().filter(|record| record["kind"] == "done") {
        let of_proposals = ["propose", "approve", "withdraw", "destroy_key", "import_key", "give_component"];
        if of_proposals.iter().any(|name| record["operation"] == *name) {
            assert!(record["subject"].as_str().unwrap().ends_with(", proposed by anna"), "{record}");
        }
    }
}

fn administrative() -> impl Iterator<Item = Opcode> {
    Opcode::ALL.iter().copied().filter(|opcode| !OF_PEERS.contains(opcode))
}

/// How often who was told what, and how that is kept.
type Told = BTreeMap<(String, String, String, String), u64>;

/// What the log has of administration.
fn told(records: &[Value]) -> Told {
    let mut told = Told::new();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    for record in records {
        let (operation, status) = (text(record, "operation"), text(record, "status"));
        let is_known = administrative().any(|opcode| opcode.name() == operation);
        if is_known && ["done", "refused", "counted"].iter().any(|kind| record["kind"] == *kind) {
            // Of many refusals in a moment some are listed and the others counted.
            let kind = if status == "ok" { text(record, "kind") } else { "refused".to_owned() };
            let key = (kind, text(record, "caller"), operation, status);
            *told.entry(key).or_default() += record["count"].as_u64().unwrap_or(1);
        }
    }
    told
}

/// Something that was asked.
struct Asked {
    who: &'static str,
    opcode: Opcode,
    status: Status,
}

/// A daemon, and whoever has to do with it.
struct Office {
    daemon: Daemon,
    /// By name: two admins, one on the admin socket who is none, and an admin on the
    /// socket of data.
    clients: BTreeMap<&'static str, Client<UnixStream>>,
    token: TokenNumber,
    asked: Vec<Asked>,
}

impl Office {
    fn open() -> Self {
        let mut daemon = Daemon::prepared(|config| config + PEERS);
        rotate_long_ago(&daemon, KeyPurpose::PanSealing);
        daemon.launch();
        let (dir, socket) = (daemon.dir.path(), daemon.path("admin.sock"));
        fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        let token = provision(&mut daemon.client()).token;
        let users = [("anna", ANNA), ("ben", BEN), ("carl", CARL)];
        let mut clients: BTreeMap<_, _> =
            users.into_iter().map(|(name, user)| (name, connect(&daemon, name, user))).collect();
        clients.insert("owner", daemon.client());
        Self { daemon, clients, token, asked: Vec::new() }
    }

    /// Has somebody ask, and notes how it ended, which must be so.
    fn ask<T: std::fmt::Debug>(
        &mut self,
        who: &'static str,
        opcode: Opcode,
        expected: Status,
        call: impl FnOnce(&mut Client<UnixStream>) -> Result<T, ClientError>,
    ) -> Option<T> {
        let answer = call(self.clients.get_mut(who).unwrap());
        let status = answer.as_ref().map_or_else(|error| error.status().unwrap(), |_| Status::Ok);
        assert_eq!(status, expected, "{who} asked for {}: {answer:?}", opcode.name());
        self.asked.push(Asked { who, opcode, status });
        answer.ok()
    }

    fn control(
        &mut self,
        who: &'static str,
        control: &Control<'_>,
        expected: Status,
    ) -> Option<ControlReply> {
        self.ask(who, control.opcode(), expected, |client| client.control(control))
    }

    fn custody(&mut self, who: &'static str, custody: &Custody<'_>, expected: Status) {
        self.ask(who, custody.opcode(), expected, |client| client.custody(custody));
    }

    fn propose(&mut self, wanted: Wanted) -> Digest {
        match self.control("anna", &Control::Propose(wanted), Status::Ok) {
            Some(ControlReply::Proposal(report)) => report.digest,
            other => panic!("{other:?}"),
        }
    }

    /// What Anna proposes and Ben approves.
    fn agree(&mut self, wanted: Wanted) -> Digest {
        let digest = self.propose(wanted);
        self.control("anna", &Control::Approve(digest), Status::ProposalOwn);
        self.control("ben", &Control::Approve(digest), Status::Ok);
        digest
    }

    /// What asks how it is, and what takes nobody else.
    fn look_around(&mut self) {
        let token = self.token;
        self.ask("anna", Opcode::Status, Status::Ok, Client::status);
        self.ask("ben", Opcode::Metrics, Status::Ok, Client::metrics);
        self.custody("anna", &Custody::Report, Status::Ok);
        self.control("ben", &Control::Proposals, Status::Ok);
        self.ask("anna", Opcode::ClearShortLock, Status::Ok, |client| client.clear_short_lock(token, None));
        let reseal = Reseal { after: None, limit: 100 };
        self.ask("ben", Opcode::Reseal, Status::Ok, |client| client.reseal(reseal, None));
        self.ask("anna", Opcode::BackupBegin, Status::Ok, Client::backup_begin);
        while self.ask("anna", Opcode::BackupNext, Status::Ok, Client::backup_next).flatten().is_some() {}
    }

    fn destroy_a_key(&mut self) {
        let wanted = |version| Wanted::DestroyKey { purpose: "pan-sealing".to_owned(), version };
        let taken_back = self.propose(wanted(KeyVersion::FIRST));
        self.control("anna", &Control::DestroyKey(taken_back), Status::ProposalOpen);
        self.control("ben", &Control::Withdraw(taken_back), Status::Ok);
        self.control("ben", &Control::Withdraw(taken_back), Status::ProposalUnknown);
        let digest = self.agree(wanted(KeyVersion::FIRST));
        self.control("ben", &Control::DestroyKey(digest), Status::ProposalOfAnother);
        self.control("anna", &Control::DestroyKey(digest), Status::Ok);
        let digest = self.agree(wanted(KeyVersion::new(2).unwrap()));
        self.control("anna", &Control::DestroyKey(digest), Status::KeyNotRetiring);
    }

    /// A transport key and a card's, each of a component of Anna's and one of Ben's; the
    /// second leaves under the first.
    fn bring_a_key_in_and_out(&mut self) {
        self.assemble("kbpk-1", "key-transport", KeyAlgorithm::Aes128);
        self.assemble("imk-1", "emv-issuer-master", KeyAlgorithm::Tdes2);
        let [label, transport] = ["imk-1", "kbpk-1"].map(|label| KeyLabel::parse(label).unwrap());
        let digest = self.propose(Wanted::ExportKey { label, transport });
        self.control("anna", &Control::ExportKey(digest), Status::ProposalOpen);
        self.control("ben", &Control::Approve(digest), Status::Ok);
        self.control("anna", &Control::ExportKey(digest), Status::Ok);
    }

    fn assemble(&mut self, label: &str, purpose: &str, algorithm: KeyAlgorithm) {
        let parts = COMPONENTS.map(|text| HEXLOWER.decode(text.as_bytes()).unwrap());
        let whole: Vec<u8> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a ^ b).collect();
        let kcv = |key: &[u8]| {
            CheckValue::of(algorithm, CheckMethod::of(algorithm), key).unwrap().to_string().to_lowercase()
        };
        let digest = self.agree(Wanted::AssembleKey {
            label: KeyLabel::parse(label).unwrap(),
            purpose: purpose.to_owned(),
            algorithm: algorithm.name().to_owned(),
            components: 2,
            kcv: kcv(&whole),
            exportable: true,
        });
        self.control("anna", &Control::ImportKey(digest), Status::ComponentsMissing);
        for (who, part) in ["anna", "ben"].into_iter().zip(&parts) {
            for expected in [Status::Ok, Status::ComponentGiven] {
                let given = Control::GiveComponent { digest, component: Component(part), kcv: kcv(part) };
                self.control(who, &given, expected);
            }
        }
        self.control("anna", &Control::ImportKey(digest), Status::Ok);
    }

    fn read_all_pans(&mut self) {
        let digest = self.propose(Wanted::DetokenizeAll { trid: None });
        let read = Control::DetokenizeAll { digest, after: None, limit: 100 };
        self.control("anna", &read, Status::ProposalOpen);
        self.control("ben", &Control::Approve(digest), Status::Ok);
        self.control("ben", &read, Status::ProposalOfAnother);
        self.control("anna", &read, Status::Ok);
        self.control("anna", &read, Status::ProposalUnknown);
    }

    fn seal_and_unseal(&mut self) {
        self.custody("ben", &Custody::Forget, Status::Ok);
        self.custody("ben", &Custody::Seal, Status::Ok);
        // Recorded as soon as there is a key to write with.
        self.custody("anna", &Custody::Unseal(Opener::Passphrase(b"not this one")), Status::OpenerWrong);
        self.control("anna", &Control::Proposals, Status::Sealed);
        let opener = || Custody::Unseal(Opener::Passphrase(PASSPHRASE.as_bytes()));
        self.custody("anna", &opener(), Status::Ok);
        self.custody("ben", &opener(), Status::Unsealed);
    }

    /// Everything at the wrong door, and at the right one without the role.
    fn be_refused(&mut self) {
        let token = self.token;
        for opcode in administrative() {
            for (who, status) in [("owner", Status::AdminSocketOnly), ("carl", Status::RoleMissing)] {
                self.ask(who, opcode, status, |client| match opcode {
                    Opcode::ClearShortLock => client.clear_short_lock(token, None).map(drop),
                    Opcode::Reseal => client.reseal(Reseal { after: None, limit: 1 }, None).map(drop),
                    _ => client.exchange(opcode, b"").map(drop),
                });
            }
        }
    }

    /// What the log should have of what was asked.
    fn expected(&self) -> Told {
        let mut expected = Told::new();
        for Asked { who, opcode, status } in &self.asked {
            let kind = match (status, kept(*opcode)) {
                (Status::Ok, Kept::Record) => "done",
                (Status::Ok, Kept::Count) => "counted",
                (Status::Ok, Kept::Group) => {
                    // All else that administers has a record, or a count.
                    assert_eq!(*opcode, Opcode::BackupNext);
                    continue;
                }
                _ => "refused",
            };
            let [kind, who, operation, status] = [kind, who, opcode.name(), status.name()].map(str::to_owned);
            *expected.entry((kind, who, operation, status)).or_default() += 1;
        }
        expected
    }
}

/// A connection to the admin socket of another user.
fn connect(daemon: &Daemon, name: &'static str, user: u32) -> Client<UnixStream> {
    let socket = daemon.path("admin.sock");
    let connecting = move || {
        // Of this thread only.
        rustix::thread::set_thread_gid(rustix::process::Gid::from_raw(GROUP)).unwrap();
        rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(user)).unwrap();
        Client::connect(&socket, name).unwrap()
    };
    std::thread::spawn(connecting).join().unwrap()
}

/// Rotates a key, while no daemon runs, as if an hour ago.
fn rotate_long_ago(daemon: &Daemon, purpose: KeyPurpose) {
    let path = daemon.path("keyring");
    let sealed = SealedKeyring::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let passphrase = PASSPHRASE.as_bytes().to_vec().into();
    let mut keys = sealed.open(&Region::new(64).unwrap(), &passphrase).unwrap();
    let then = UnixTime::from_seconds(UnixTime::from_system_clock().seconds() - 3600);
    keys.rotate(&SystemRandom, purpose, then).unwrap();
    fs::write(path, keys.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
}
