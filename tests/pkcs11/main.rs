//! A keyring that a PKCS#11 token opens, with the real SoftHSM2:
//!
//! ```text
//! apt-get install softhsm2
//! cargo test --features pkcs11 --test pkcs11
//! ```
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

#[path = "../daemon/process.rs"]
mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use serde_json::Value;

use process::{Daemon, issue_of, provision, tally, verify_of};

const PIN: &str = "987654";
const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];

/// A token of SoftHSM2 in a directory of its own, beside a state directory.
struct Bench {
    daemon: Daemon,
    module: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let module = MODULES.map(PathBuf::from).into_iter().find(|module| module.exists());
        let module = module.expect("SoftHSM2 is not installed: apt-get install softhsm2");
        let bench = Self { daemon: Daemon::prepared(|config| config), module };
        fs::create_dir(bench.path("tokens")).unwrap();
        let tokens = bench.path("tokens");
        let config = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        fs::write(bench.path("softhsm2.conf"), config).unwrap();
        fs::write(bench.path("pin"), PIN).unwrap();
        bench.init_token("tallystick");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.daemon.path(name)
    }

    fn init_token(&self, label: &str) {
        let mut command = Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"]);
        let output = self.with_tokens(&mut command).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn with_tokens<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).stdin(Stdio::null())
    }

    /// The helper itself.
    fn helper(&self, command: &str, token: &str) -> Output {
        let mut helper = Command::new(env!("CARGO_BIN_EXE_tally-pkcs11"));
        helper.arg(command).arg("--module").arg(&self.module).args(["--token", token, "--key", "tallystick"]);
        self.with_tokens(helper.arg("--pin-file").arg(self.path("pin"))).output().unwrap()
    }

    /// What `tally` tells, with a token to work with.
    fn told(&self, arguments: &[&str]) -> (Value, i32) {
        let mut command = tally(self.daemon.dir.path(), &["--json"]);
        command.args(arguments).arg("--pkcs11-module").arg(&self.module);
        let output = self.with_tokens(command.arg("--pin-file").arg(self.path("pin"))).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}")), output.status.code().unwrap())
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let (json, code) = self.told(arguments);
        assert_eq!((code, &json["ok"]), (0, &Value::Bool(true)), "{json}");
        json
    }

    fn refused(&self, arguments: &[&str], why: &str) {
        let (json, code) = self.told(arguments);
        assert_eq!(code, 1, "{json}");
        assert!(json["error"].as_str().unwrap().contains(why), "{json}");
    }

    /// Has the token open the keyring.
    fn enclose(&self) {
        let passphrase = self.path("passphrase");
        self.done(&["device", "--passphrase-file", passphrase.to_str().unwrap()]);
    }
}

fn maps(pid: u32) -> String {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("maps")).unwrap()
}

#[test]
fn a_token_unseals_it_and_its_library_never_comes_near_the_keys() {
    let mut bench = Bench::new();
    assert!(bench.helper("make-key", "tallystick").status.success());
    bench.enclose();
    assert_eq!(bench.daemon.spawn().wait().unwrap().code(), Some(1), "the passphrase opens it");
    bench.daemon.launch_sealed();
    assert_eq!(bench.done(&["unseal"])["sealed"], false);
    let mut client = bench.daemon.client();
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
    let mapped = maps(bench.daemon.pid());
    assert!(mapped.contains("libc.so") && !mapped.contains("softhsm"), "{mapped}");
    let seal = tally(bench.daemon.dir.path(), &["seal"]).output().unwrap();
    assert!(seal.status.success());
    // Sealed, its keys are rotated with the token, and it goes on.
    assert_eq!(bench.done(&["rotate", "token-derivation"])["version"], 2);
    assert_eq!(bench.done(&["unseal"])["sealed"], false);
    client.verify(verify_of(&token, cryptogram), None).unwrap();
}

#[test]
fn a_wrong_pin_token_key_or_wrapped_key_unseals_nothing() {
    let mut bench = Bench::new();
    let passphrase = bench.path("passphrase");
    let enclose = ["device", "--passphrase-file", passphrase.to_str().unwrap()];
    bench.refused(&enclose, "the token has no key tallystick");
    bench.daemon.launch();
    bench.daemon.stop();
    assert!(bench.helper("make-key", "tallystick").status.success());
    let again = bench.helper("make-key", "tallystick");
    assert!(String::from_utf8_lossy(&again.stderr).contains("has a key tallystick already"));
    bench.enclose();
    bench.daemon.launch_sealed();
    bench.init_token("another");
    bench.refused(&["unseal", "--pkcs11-token", "another"], "the token has no key tallystick");
    bench.refused(&["unseal", "--pkcs11-token", "none"], "no token has the label none");
    // A key of the same label in another token opens something else than was wrapped.
    assert!(bench.helper("make-key", "another").status.success());
    assert_eq!(bench.told(&["unseal", "--pkcs11-token", "another"]).1, 1);
    fs::write(bench.path("pin"), "000000").unwrap();
    bench.refused(&["unseal"], "PIN");
    fs::write(bench.path("pin"), PIN).unwrap();
    let keyring = fs::read(bench.path("keyring")).unwrap();
    // The wrapped key stands behind the header of 40 bytes.
    for at in [40, 45, 60, 100] {
        let mut changed = keyring.clone();
        changed[at] ^= 1;
        fs::write(bench.path("keyring"), changed).unwrap();
        assert_eq!(bench.told(&["unseal"]).1, 1, "byte {at}");
    }
    fs::write(bench.path("keyring"), keyring).unwrap();
    assert_eq!(bench.done(&["unseal"])["sealed"], false);
    provision(&mut bench.daemon.client());
}

#[test]
fn the_key_does_not_leave_the_token() {
    let bench = Bench::new();
    assert!(bench.helper("make-key", "tallystick").status.success());
    // The library reads its configuration from the environment when it is loaded: a
    // process of its own would have it; here the variable of this one must do.
    let conf = bench.path("softhsm2.conf");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "attributes", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", conf)
        .env("PKCS11_MODULE", &bench.module)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Run by the test above, in an environment that names the token.
#[test]
#[ignore = "run by another test"]
fn attributes() {
    let library = Pkcs11::new(std::env::var("PKCS11_MODULE").unwrap()).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = library.get_slots_with_token().unwrap();
    let is_ours = |slot: &_| library.get_token_info(*slot).unwrap().label().trim_end() == "tallystick";
    let session = library.open_ro_session(slots.into_iter().find(is_ours).unwrap()).unwrap();
    let secret = [Attribute::Class(ObjectClass::SECRET_KEY)];
    assert!(session.find_objects(&secret).unwrap().is_empty(), "it is seen without a PIN");
    session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
    let found = session.find_objects(&secret).unwrap();
    assert_eq!(found.len(), 1);
    let asked = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::NeverExtractable];
    let told = session.get_attributes(found[0], &asked).unwrap();
    let wanted =
        [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::NeverExtractable(true)];
    assert_eq!(told, wanted);
    assert!(session.get_attributes(found[0], &[AttributeType::Value]).map_or(true, |value| value.is_empty()));
}
