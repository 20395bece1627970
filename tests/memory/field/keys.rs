//! Keys of the field: brought to the daemon by two admins, one of them another user, as
//! their custodians do it, and out again in a key block and back.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use rustix::process::{Gid, Uid};
use tallystick::client::Client;
use tallystick::crypto::{Aes, BlockCipher, KeyAlgorithm};
use tallystick::keys::{CheckMethod, CheckValue};
use tallystick::types::KeyLabel;
use tallystick::wire::{Component, Control, ControlReply, Digest, Wanted};

use crate::daemon::Daemon;

/// The user that the second admin is.
pub const SECOND: u32 = 64_100;

/// A key in two components.
pub struct FieldKey {
    pub label: &'static str,
    purpose: &'static str,
    pub algorithm: KeyAlgorithm,
    pub components: [Vec<u8>; 2],
}

/// What the daemon is given: the transport key first.
pub fn random_keys() -> [FieldKey; 4] {
    let key = |label, purpose, algorithm: KeyAlgorithm| {
        let component = || std::iter::repeat_with(|| fastrand::u8(..)).take(algorithm.key_len()).collect();
        FieldKey { label, purpose, algorithm, components: [component(), component()] }
    };
    [
        key("kbpk", "key-transport", KeyAlgorithm::Aes256),
        key("imk-tdes", "emv-issuer-master", KeyAlgorithm::Tdes2),
        key("imk-aes", "emv-issuer-master", KeyAlgorithm::Aes256),
        key("cvk", "card-verification", KeyAlgorithm::Tdes2),
    ]
}

impl FieldKey {
    pub fn is_aes(&self) -> bool {
        !matches!(self.algorithm, KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let [a, b] = &self.components;
        a.iter().zip(b).map(|(a, b)| a ^ b).collect()
    }

    fn check_value(&self, bytes: &[u8]) -> String {
        CheckValue::of(self.algorithm, CheckMethod::of(self.algorithm), bytes)
            .unwrap()
            .to_string()
            .to_lowercase()
    }

    fn wanted(&self) -> Wanted {
        Wanted::AssembleKey {
            label: label(self.label),
            purpose: self.purpose.to_owned(),
            algorithm: self.algorithm.name().to_owned(),
            components: 2,
            kcv: self.check_value(&self.bytes()),
            exportable: true,
        }
    }
}

/// The two keys of a block of version D under a transport key of AES-256 (X9.143:2021,
/// section 7.2.2.1, table 25).
pub fn block_keys(transport: &[u8]) -> [Vec<u8>; 2] {
    let cipher = Aes::new(transport).unwrap();
    [0, 1].map(|indicator| {
        let part = |counter: u8| cipher.cmac(&[&[counter, 0, indicator, 0, 0, 4, 1, 0]]);
        [part(1), part(2)].concat()
    })
}

/// Brings all of them in; then the second goes out in a block and comes back. The first
/// admin's connection stays open.
pub fn bring_in(daemon: &Daemon, keys: &[FieldKey]) -> Client<UnixStream> {
    set_permissions(daemon.dir.path(), Permissions::from_mode(0o711)).unwrap();
    set_permissions(daemon.path("admin.sock"), Permissions::from_mode(0o666)).unwrap();
    let mut admin = daemon.admin();
    for key in keys {
        let digest = agreed(daemon, &mut admin, key.wanted());
        let [first, second] = &key.components;
        asked(&mut admin, &given(key, digest, first));
        by_the_second(daemon, |admin| asked(admin, &given(key, digest, second)));
        asked(&mut admin, &Control::ImportKey(digest));
    }
    let [transport, key, ..] = keys else { panic!() };
    let transport = label(transport.label);
    let digest = agreed(daemon, &mut admin, Wanted::ExportKey { label: label(key.label), transport });
    let ControlReply::KeyBlock(block) = admin.control(&Control::ExportKey(digest)).unwrap() else { panic!() };
    let digest = agreed(daemon, &mut admin, Wanted::ImportKey { label: label("imk-back"), transport, block });
    asked(&mut admin, &Control::ImportKey(digest));
    admin
}

pub fn label(text: &str) -> KeyLabel {
    KeyLabel::parse(text).unwrap()
}

fn given<'c>(key: &FieldKey, digest: Digest, component: &'c [u8]) -> Control<'c> {
    let kcv = key.check_value(component);
    Control::GiveComponent { digest, component: Component(component), kcv }
}

/// The digest of what one proposes and the other approves.
fn agreed(daemon: &Daemon, admin: &mut Client<UnixStream>, wanted: Wanted) -> Digest {
    let digest = asked(admin, &Control::Propose(wanted));
    by_the_second(daemon, |admin| asked(admin, &Control::Approve(digest)));
    digest
}

/// Does something as the second admin.
fn by_the_second(daemon: &Daemon, act: impl FnOnce(&mut Client<UnixStream>) -> Digest + Send) {
    std::thread::scope(|scope| {
        let acting = scope.spawn(|| {
            // Of this thread only.
            rustix::thread::set_thread_gid(Gid::from_raw(SECOND)).unwrap();
            rustix::thread::set_thread_uid(Uid::from_raw(SECOND)).unwrap();
            act(&mut daemon.admin())
        });
        acting.join().unwrap();
    });
}

fn asked(admin: &mut Client<UnixStream>, control: &Control) -> Digest {
    match admin.control(control).unwrap() {
        ControlReply::Proposal(report) => report.digest,
        other => panic!("{other:?}"),
    }
}
