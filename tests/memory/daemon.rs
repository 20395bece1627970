//! The daemon, with a key and a PAN planted in it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use rustix::process::{Pid, Signal, kill_process};
use tallystick::client::Client;
use tempfile::TempDir;

use crate::factors::{factor_in, modulus};
use crate::load::random_pan;

pub struct Daemon {
    pub dir: TempDir,
    pub passphrase: String,
    pub planted_key: [u8; 32],
    pub planted_pan: String,
    /// Of an RSA key, and one of its factors.
    pub planted_modulus: Vec<u8>,
    planted_factor: Vec<u8>,
    child: Option<Child>,
    /// What the daemon tells its service manager.
    told: Mutex<Receiver<String>>,
}

impl Daemon {
    pub fn prepare() -> Self {
        Self::prepare_in(TempDir::with_prefix("tally-memory-").unwrap())
    }

    pub fn prepare_in(dir: TempDir) -> Self {
        let mut random = fastrand::Rng::new();
        // No word of it may stand in the program itself.
        let passphrase: String = std::iter::repeat_with(|| random.alphanumeric()).take(40).collect();
        fs::write(dir.path().join("passphrase"), &passphrase).unwrap();
        let planted_pan = random_pan(&mut random);
        let mut planted_key = [0; 32];
        planted_key.fill_with(|| random.u8(1..));
        let (planted_modulus, planted_factor) = rsa_key();
        let told = manager(&dir.path().join("notify"));
        let daemon = Self {
            dir,
            passphrase,
            planted_key,
            planted_pan,
            planted_modulus,
            planted_factor,
            child: None,
            told,
        };
        daemon.tally(&["init", "--passphrase-file"]);
        let config = daemon.path("tallyd.toml");
        let mut text = fs::read_to_string(&config).unwrap();
        text += &format!(
            "\n[[peer]]\nname = \"peer-{}\"\nuid = 4242\nroles = [\"verifier\"]\n",
            daemon.planted_pan
        );
        fs::write(config, text).unwrap();
        daemon
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn rotate(&self, purpose: &str) {
        self.tally(&["rotate", purpose, "--passphrase-file"]);
    }

    /// Starts it, the passphrase in the file or, for `-`, on standard input.
    pub fn launch(&mut self, passphrase: &str) {
        self.launch_by(Command::new(env!("CARGO_BIN_EXE_tallyd")), passphrase);
    }

    /// Starts it without what opens the keyring.
    #[allow(dead_code)]
    pub fn launch_sealed(&mut self) {
        self.spawn(Command::new(env!("CARGO_BIN_EXE_tallyd")));
    }

    /// As [`launch`](Self::launch), by a command that ends in the program.
    pub fn launch_by(&mut self, mut command: Command, passphrase: &str) {
        let file = if passphrase == "-" { PathBuf::from("-") } else { self.path(passphrase) };
        command.arg("--passphrase-file").arg(file);
        self.spawn(command);
    }

    fn spawn(&mut self, mut command: Command) {
        command.arg("--dir").arg(self.dir.path());
        command.env("NOTIFY_SOCKET", self.path("notify")).env("WATCHDOG_USEC", "200000");
        command.env("PLANTED", OsString::from_vec(self.planted_key.to_vec()));
        command.env("FACTOR", OsString::from_vec(self.planted_factor.clone()));
        command.stdin(File::open(self.path("passphrase")).unwrap());
        command.stderr(File::create(self.path("log")).unwrap());
        self.child = Some(command.spawn().unwrap());
        self.wait_until_it_serves();
    }

    fn wait_until_it_serves(&mut self) {
        let begun = Instant::now();
        while UnixStream::connect(self.path("tallyd.sock")).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "tallyd ended: {}", self.log());
            assert!(begun.elapsed() < Duration::from_secs(60), "tallyd did not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it tells this.
    #[allow(dead_code)]
    pub fn hears(&self, what: &str) {
        while !self.told.lock().unwrap().recv().unwrap().contains(what) {}
    }

    pub fn stop(&mut self) {
        kill_process(Pid::from_raw(self.pid() as i32).unwrap(), Signal::TERM).unwrap();
        assert!(self.child.take().unwrap().wait().unwrap().success(), "{}", self.log());
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn client(&self) -> Client<UnixStream> {
        connect(&self.path("tallyd.sock"))
    }

    pub fn admin(&self) -> Client<UnixStream> {
        connect(&self.path("admin.sock"))
    }

    /// How it ended by itself.
    #[allow(dead_code)]
    pub fn wait(&mut self) -> ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs `tally` with the passphrase file as its last argument.
    fn tally(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
        command.args(arguments).arg(self.path("passphrase")).env("TALLY_DIR", self.dir.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A service manager, which always listens.
fn manager(socket: &Path) -> Mutex<Receiver<String>> {
    let socket = UnixDatagram::bind(socket).unwrap();
    let (hand, told) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count) = socket.recv(&mut bytes) {
            if hand.send(String::from_utf8_lossy(&bytes[..count]).into_owned()).is_err() {
                return;
            }
        }
    });
    Mutex::new(told)
}

fn connect(socket: &Path) -> Client<UnixStream> {
    let client = Client::connect(socket, "memory").unwrap();
    let limit = Some(Duration::from_secs(60));
    client.set_timeouts(limit, limit).unwrap();
    client
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A modulus and a factor of it that has no zero byte.
fn rsa_key() -> (Vec<u8>, Vec<u8>) {
    loop {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let modulus = modulus(AsDer::<PublicKeyX509Der<'_>>::as_der(&key.public_key()).unwrap().as_ref());
        let factor = factor_in(AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref(), &modulus);
        if !factor.contains(&0) {
            return (modulus, factor);
        }
    }
}
