//! A forbidden call kills the process. gdb has a thread of the real daemon make
//! it, as injected code would: the thread waits in a system call, and is sent back
//! to its instruction with another number and other arguments.
#![cfg(target_arch = "x86_64")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tallystick::daemon::sandbox::Role;

use crate::daemon::Daemon;

/// A system call and its arguments.
pub type Call = (i64, [i64; 4]);

const CLOSE_NOTHING: Call = (libc::SYS_close, [-1, 0, 0, 0]);
const SOCKET: Call = socket_of(libc::AF_UNIX);
const INTERNET_SOCKET: Call = socket_of(libc::AF_INET);
const EXECUTABLE_MEMORY: Call =
    (libc::SYS_mmap, [0, 4096, 7, (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as i64]);
const FORK: Call = (libc::SYS_clone, [libc::SIGCHLD as i64, 0, 0, 0]);

/// A socket of a family.
pub const fn socket_of(family: libc::c_int) -> Call {
    (libc::SYS_socket, [family as i64, 1, 0, 0])
}

/// For each role something that it must not do; most of it another role may.
const FORBIDDEN: [(Role, Call); 16] = [
    (Role::Main, (libc::SYS_accept4, [-1, 0, 0, 0])),
    (Role::Main, INTERNET_SOCKET),
    (Role::Signals, (libc::SYS_getppid, [0; 4])),
    (Role::Listener, FORK),
    (Role::Connection, SOCKET),
    (Role::Connection, (libc::SYS_getppid, [0; 4])),
    (Role::Committer, EXECUTABLE_MEMORY),
    (Role::Committer, SOCKET),
    (Role::Checkpointer, (libc::SYS_execve, [0; 4])),
    (Role::Anchor, INTERNET_SOCKET),
    (Role::Audit, INTERNET_SOCKET),
    (Role::Backup, (libc::SYS_pwrite64, [-1, 0, 0, 0])),
    (Role::Porter, (libc::SYS_openat, [-1, 0, 0, 0])),
    (Role::Watch, SOCKET),
    (Role::Examiner, SOCKET),
    (Role::Watchdog, INTERNET_SOCKET),
];

fn gdb(daemon: &Daemon, commands: &[String]) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args(["-q", "-nx", "-batch", "--readnever", "-p", &daemon.pid().to_string()]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    // Where it may leave a core of its own.
    let output = gdb.current_dir(daemon.dir.path()).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Has a thread of a role make a system call, whose second argument is `text` if
/// there is any, then go on as if a signal had ended its wait. What gdb says; the
/// result is in a line that begins with `result `.
pub fn call(daemon: &Daemon, role: Role, (number, arguments): Call, text: &str) -> String {
    let threads = gdb(daemon, &["info threads".to_owned()]);
    let name = format!("\"{}", role.thread_name());
    let line = threads.lines().find(|line| line.contains("LWP") && line.contains(&name));
    let line = line.unwrap_or_else(|| panic!("no {role} in {threads}"));
    let thread = line.trim_start_matches(['*', ' ']).split_whitespace().next().unwrap();
    const ARGUMENTS: [&str; 4] = ["rdi", "rsi", "rdx", "r10"];
    let mut commands = vec![format!("thread {thread}"), "set scheduler-locking on".to_owned()];
    commands.extend(ARGUMENTS.map(|register| format!("set $old_{register} = ${register}")));
    // Where a text may stand: below what the thread uses of its stack.
    commands.push("set $place = $rsp - 8192".to_owned());
    let set = ARGUMENTS.iter().zip(arguments).map(|(register, value)| format!("set ${register} = {value}"));
    commands.extend(set);
    if !text.is_empty() {
        commands.push(format!("set {{char[{}]}} $place = \"{text}\"", text.len() + 1));
        commands.push("set $rsi = $place".to_owned());
    }
    commands.extend(["set $orig_rax = -1", "set $rip = $rip - 2"].map(str::to_owned));
    commands.extend([format!("set $rax = {number}"), "stepi".to_owned()]);
    commands.push("printf \"result %ld\\n\", $rax".to_owned());
    commands.extend(ARGUMENTS.map(|register| format!("set ${register} = $old_{register}")));
    commands.push(format!("set $rax = -{}", libc::EINTR));
    gdb(daemon, &commands)
}

pub fn can_call() -> bool {
    let gdb = Command::new("gdb").arg("--version").stdout(Stdio::null()).status();
    let can = rustix::process::geteuid().is_root() && gdb.is_ok_and(|status| status.success());
    if !can {
        eprintln!("\n*** NOT TESTED: what the sandbox stops. Not root, or no gdb. ***\n");
    }
    can
}

/// Has the daemon look at the test's executable, for which it has a thread.
fn be_examined(daemon: &Daemon) {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(own));
    let config = daemon.path("tallyd.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let rule = format!("name = \"owner\"\nexecutable_sha256 = \"{digest}\"\n");
    std::fs::write(config, text.replacen("name = \"owner\"\n", &rule, 1)).unwrap();
}

#[test]
fn a_forbidden_call_kills_the_process() {
    if !can_call() {
        return;
    }
    let mut daemon = Daemon::prepare();
    be_examined(&daemon);
    daemon.launch("passphrase");
    let mut client = daemon.client();
    for role in Role::ALL {
        client.ping().unwrap();
        let told = call(&daemon, role, CLOSE_NOTHING, "");
        assert!(told.contains("result -9"), "{role}: an allowed call: {told}");
    }
    client.ping().unwrap();
    daemon.stop();
    for (role, forbidden) in FORBIDDEN {
        daemon.launch("passphrase");
        let mut client = daemon.client();
        client.ping().unwrap();
        let told = call(&daemon, role, forbidden, "");
        let status = daemon.wait();
        assert_eq!(status.signal(), Some(libc::SIGSYS), "{role}, {forbidden:?}: {status}: {told}");
    }
}

#[test]
fn no_file_elsewhere_can_be_opened() {
    if !can_call() {
        return;
    }
    let mut daemon = Daemon::prepare();
    daemon.launch("passphrase");
    let sandbox = daemon.admin().status().unwrap().sandbox;
    if !sandbox.starts_with("seccomp, landlock V") {
        return eprintln!("\n*** NOT TESTED: which files can be reached. {sandbox}. ***\n");
    }
    let open = |path: &str| {
        let told = call(&daemon, Role::Committer, (libc::SYS_openat, [libc::AT_FDCWD as i64, 0, 0, 0]), path);
        told.lines().find_map(|line| line.strip_prefix("result ")).map(str::to_owned).expect(&told)
    };
    assert_eq!(open("/etc/passwd"), format!("-{}", libc::EACCES));
    assert_eq!(open("/proc/self/maps"), format!("-{}", libc::EACCES));
    assert!(open(daemon.path("tally.db").to_str().unwrap()).parse::<u32>().is_ok());
    assert_eq!(open(daemon.path("none").to_str().unwrap()), format!("-{}", libc::ENOENT));
}
