//! A virtual environment with the packages that are compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGES: [&str; 3] = ["pyemv==1.5.0", "psec==1.3.0", "cryptography==50.0.2"];

/// Its interpreter; none, and said so, if the environment says to do without. Made once:
/// tests run side by side, and two that make it would take it from under each other.
///
/// # Panics
/// If Python or the packages are not to be had.
pub fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

fn make() -> Option<PathBuf> {
    if std::env::var_os("TALLYSTICK_WITHOUT_PYTHON").is_some() {
        println!("NOT TESTED: TALLYSTICK_WITHOUT_PYTHON is set");
        return None;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("interop-python");
    let (python, installed) = (dir.join("bin/python"), dir.join("installed"));
    if fs::read_to_string(&installed).is_ok_and(|packages| packages == PACKAGES.join(" ")) {
        return Some(python);
    }
    must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    must(Command::new(&python).args(pip).args(PACKAGES));
    fs::write(installed, PACKAGES.join(" ")).unwrap();
    Some(exists(python))
}

fn exists(python: PathBuf) -> PathBuf {
    assert!(Path::new(&python).exists(), "the environment has no interpreter");
    python
}

fn must(command: &mut Command) {
    let hint = "Python with venv and pip is needed (on Debian python3-venv); TALLYSTICK_WITHOUT_PYTHON=1 \
                leaves these tests out";
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: {hint}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}: {hint}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
