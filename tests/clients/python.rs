//! `clients/python`: installed as its users install it, checked by mypy, its own tests run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const WITHOUT: &str = "TALLYSTICK_WITHOUT_PYTHON";
const PACKAGES: [&str; 3] = ["cbor2==6.2.1", "mypy==2.4.1", "setuptools==84.2.1"];
/// What of the package is looked at: not what its own build leaves there.
const PARTS: [&str; 5] = ["README.md", "examples", "pyproject.toml", "src", "tests"];

/// An environment with the package, and a copy of the sources to run the tests from: what is
/// imported there is what was installed.
struct Made {
    python: PathBuf,
    sources: PathBuf,
}

/// None, and said so, if the environment says to do without. Made once for all tests.
fn made() -> Option<&'static Made> {
    static MADE: OnceLock<Option<Made>> = OnceLock::new();
    MADE.get_or_init(make).as_ref()
}

fn make() -> Option<Made> {
    if std::env::var_os(WITHOUT).is_some() {
        println!("NOT TESTED: {WITHOUT} is set");
        return None;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients-python");
    let (python, installed) = (dir.join("bin/python"), dir.join("installed"));
    if !fs::read_to_string(&installed).is_ok_and(|packages| packages == PACKAGES.join(" ")) {
        must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir));
        must(pip(&python).args(PACKAGES));
        fs::write(installed, PACKAGES.join(" ")).unwrap();
    }
    let sources = dir.join("sources");
    let _ = fs::remove_dir_all(&sources);
    fs::create_dir(&sources).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python");
    must(Command::new("cp").arg("-r").args(PARTS.map(|part| here.join(part))).arg(&sources));
    let local = ["--no-deps", "--no-build-isolation", "--force-reinstall"];
    must(pip(&python).args(local).arg(&sources));
    Some(Made { python, sources })
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command
}

fn must(command: &mut Command) -> String {
    let hint = format!(
        "Python with venv and pip is needed (on Debian python3-venv); {WITHOUT}=1 leaves these tests out"
    );
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: {hint}"));
    assert!(output.status.success(), "{command:?}: {}: {hint}", told(&output));
    told(&output)
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn in_python(made: &Made, arguments: &[&str]) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_tallyd")).parent().unwrap();
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/WIRE.md");
    let mut command = Command::new(&made.python);
    command.args(arguments).current_dir(&made.sources).env("PYTHONDONTWRITEBYTECODE", "1");
    must(command.env("TALLYSTICK_PROGRAMS", programs).env("TALLYSTICK_WIRE", wire))
}

/// The examples of `docs/WIRE.md` both ways, a daemon that misbehaves, the real one with every
/// operation, killed in the middle, README and example.
#[test]
fn its_own_tests_pass_against_the_real_daemon() {
    let Some(made) = made() else { return };
    let told = in_python(made, &["-X", "faulthandler", "-m", "unittest", "-v"]);
    for line in told.lines().filter(|line| line.contains("NOT PROVEN")) {
        println!("{line}");
    }
    let ran = told.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
    assert!(ran.is_some_and(|count: u32| count >= 60), "{told}");
    // With the programs there, only what takes root may be left out.
    let skipped = told.lines().filter(|line| line.contains(" ... skipped")).count();
    let unproven = told.lines().filter(|line| line.contains("NOT PROVEN")).count();
    assert_eq!(skipped, unproven, "{told}");
}

/// As whoever uses the installed package sees its types (`py.typed`).
#[test]
fn it_is_typed_strictly_and_so_is_what_uses_it() {
    let Some(made) = made() else { return };
    let config = ["-m", "mypy", "--strict", "--config-file", "/dev/null"];
    let said = in_python(made, &[config.as_slice(), &["-p", "tallystick"]].concat());
    assert!(said.contains("Success"), "{said}");
    // A use that is wrong is told, so the types are there.
    let wrong = "import tallystick\ntallystick.connect(1).issue('', '').cryptogram.encode()\n";
    let mut check = Command::new(&made.python);
    check.args(config).args(["-c", wrong]).current_dir("/");
    let said = told(&check.output().unwrap());
    assert!(said.contains("[arg-type]") && said.contains("\"encode\""), "{said}");
    let said = in_python(made, &[config.as_slice(), &["examples", "tests"]].concat());
    assert!(said.contains("Success"), "{said}");
}
