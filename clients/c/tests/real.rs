//! The library as its users have it, installed under a prefix, against the real daemon: the
//! example and a program that calls everything, also under AddressSanitizer and valgrind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const STRICT: [&str; 7] =
    ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-g", "-O1"];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The library of this build.
fn library() -> PathBuf {
    let library = std::env::current_exe().unwrap().with_file_name("libtally.so");
    assert!(library.exists(), "no {}", library.display());
    library
}

/// The directory of `tally` and `tallyd`. Cargo makes those with the tests of their package.
fn programs() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let target = library().ancestors().nth(3).unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--test", "clients"]).current_dir(here().join("../.."));
        must(build.env("CARGO_TARGET_DIR", &target));
        target.join("debug")
    })
}

/// A prefix as a package would fill it.
fn installed() -> TempDir {
    let prefix = TempDir::with_prefix("tally-prefix-").unwrap();
    for dir in ["include", "lib/pkgconfig"] {
        fs::create_dir_all(prefix.path().join(dir)).unwrap();
    }
    let lib = prefix.path().join("lib");
    fs::copy(here().join("include/tallystick.h"), prefix.path().join("include/tallystick.h")).unwrap();
    fs::copy(here().join("tally.pc"), lib.join("pkgconfig/tally.pc")).unwrap();
    fs::copy(library(), lib.join("libtally.so.1")).unwrap();
    std::os::unix::fs::symlink("libtally.so.1", lib.join("libtally.so")).unwrap();
    prefix
}

/// A program of a source file, by what pkg-config says.
fn compiled(prefix: &Path, source: &str, more: &[&str]) -> PathBuf {
    let mut ask = Command::new("pkg-config");
    ask.args(["--cflags", "--libs", "tally"]).arg(format!("--define-variable=prefix={}", prefix.display()));
    let flags = must(ask.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    let program = prefix.join(format!("{name}{}", more.concat().replace(['/', '='], "-")));
    let mut cc = Command::new("cc");
    cc.args(STRICT).args(more).arg(here().join(source)).args(flags.split_whitespace());
    must(cc.arg(format!("-Wl,-rpath,{}/lib", prefix.display())).arg("-pthread").arg("-o").arg(&program));
    program
}

struct Daemon {
    dir: TempDir,
    child: Child,
}

impl Daemon {
    fn start() -> Self {
        let dir = TempDir::with_prefix("tally-c-").unwrap();
        let passphrase = dir.path().join("passphrase");
        fs::write(&passphrase, "a passphrase for tests only").unwrap();
        let mut init = Command::new(programs().join("tally"));
        must(init.arg("init").arg("--dir").arg(dir.path()).arg("--passphrase-file").arg(passphrase));
        let child = Self::launch(dir.path());
        Self { dir, child }
    }

    fn launch(dir: &Path) -> Child {
        let log = fs::OpenOptions::new().append(true).create(true).open(dir.join("log")).unwrap();
        let mut command = Command::new(programs().join("tallyd"));
        command.arg("--dir").arg(dir).arg("--passphrase-file").arg(dir.join("passphrase"));
        let mut child = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while UnixStream::connect(dir.join("tallyd.sock")).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "tallyd ended");
            assert!(begun.elapsed() < Duration::from_secs(60), "tallyd did not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("tallyd.sock")
    }

    /// Runs a program on the socket; where it says so, the daemon is killed and started again.
    fn with(&mut self, command: &mut Command) -> String {
        let pipes =
            command.arg(self.socket()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = pipes.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut said = String::new();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        while out.read_line(&mut said).unwrap() > 0 {
            if said.ends_with("kill\n") {
                self.kill();
                self.child = Self::launch(self.dir.path());
                program.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            }
        }
        let ended = program.wait().unwrap();
        let mut errors = String::new();
        program.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(ended.success() && said.ends_with("all as it should be\n"), "{command:?}: {said}{errors}");
        said + &errors
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a tool is there; else this says that something was not proven.
fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        eprintln!("NOT PROVEN: there is no {tool}");
    }
    found
}

#[test]
fn the_example_pays() {
    let prefix = installed();
    let mut daemon = Daemon::start();
    let said = daemon.with(&mut Command::new(compiled(prefix.path(), "examples/pay.c", &[])));
    assert!(said.contains("accepted, counter 1\nverify once more: replayed\n"), "{said}");
    assert!(!said.contains("4929123456789015"), "{said}");
}

#[test]
fn every_function_is_called_under_address_sanitizer() {
    let prefix = installed();
    let program = compiled(prefix.path(), "tests/whole.c", &["-fsanitize=address,undefined"]);
    Daemon::start().with(Command::new(program).env("ASAN_OPTIONS", "detect_leaks=1"));
}

#[test]
fn every_function_is_called_under_valgrind() {
    if !has("valgrind") {
        return;
    }
    let prefix = installed();
    let program = compiled(prefix.path(), "tests/whole.c", &[]);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    Daemon::start().with(valgrind.arg(program));
}

#[test]
fn the_header_is_c99_and_cpp() {
    let header = here().join("include/tallystick.h");
    let wanted = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-pedantic"];
    must(Command::new("cc").args(wanted).arg("-std=c99").arg(&header));
    must(Command::new("c++").args(wanted).args(["-std=c++11", "-x", "c++"]).arg(&header));
    // Its names have C's linkage there: with C++'s this does not link.
    let prefix = installed();
    let source = prefix.path().join("version.cpp");
    let text =
        "#include <tallystick.h>\nint main() { return tally_abi_version() == TALLY_ABI_VERSION ? 0 : 1; }\n";
    fs::write(&source, text).unwrap();
    let (lib, program) = (prefix.path().join("lib"), prefix.path().join("version"));
    let mut build = Command::new("c++");
    build
        .arg(&source)
        .arg(format!("-I{}/include", prefix.path().display()))
        .arg("-L")
        .arg(&lib)
        .arg("-ltally");
    must(build.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-o").arg(&program));
    must(&mut Command::new(program));
}

#[test]
fn only_what_the_header_names_is_exported() {
    let library = library();
    let text = must(Command::new("nm").args(["--dynamic", "--defined-only", "--extern-only"]).arg(&library));
    let mut exported: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    exported.sort_unstable();
    let header = fs::read_to_string(here().join("include/tallystick.h")).unwrap();
    let called = |line: &str| {
        let name = line.split_once('(')?.0.rsplit([' ', '*']).next()?;
        (name.starts_with("tally_") && !line.starts_with([' ', '/', '#'])).then(|| name.to_owned())
    };
    let mut declared: Vec<_> = header.lines().filter_map(called).collect();
    declared.sort_unstable();
    assert!(declared.len() > 20, "{declared:?}");
    assert_eq!(exported, declared);
    let dynamic = must(Command::new("readelf").arg("--dynamic").arg(&library));
    assert!(dynamic.contains("[libtally.so.1]"), "{dynamic}");
}
