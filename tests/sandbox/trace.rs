//! Which system calls a daemon made under which filter, by strace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};

use tallystick::daemon::sandbox::Role;

/// The calls made under the filter of each role.
pub type Used = BTreeMap<Role, BTreeSet<String>>;

/// strace before the daemon, writing to a file. It is the daemon that keeps the
/// process id.
pub fn tracing(output: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-Y", "-qq", "-s", "0", "-e", "signal=none", "-o"]).arg(output);
    command.arg(env!("CARGO_BIN_EXE_tallyd"));
    command
}

pub fn can_trace() -> bool {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if strace.is_ok_and(|status| status.success()) {
        return true;
    }
    eprintln!("\n*** NOT TESTED: which system calls are made. No strace. ***\n");
    false
}

/// Reads what strace wrote: `pid<name> call(...`.
pub fn used(trace: &str) -> Used {
    let mut calls: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once("> ") else { continue };
        let (Some((id, name)), Some((call, _))) = (thread.split_once('<'), call.trim_start().split_once('('))
        else {
            continue;
        };
        // The rest of a line that was begun before, or how a thread ended.
        if call.is_empty() || !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        calls.entry(id).or_default().push((name, call));
    }
    let mut used = Used::new();
    for calls in calls.values() {
        let Some(entered) = calls.iter().rposition(|(_, call)| *call == "seccomp") else { continue };
        let name = calls[entered].0;
        let role = Role::ALL.into_iter().find(|role| name.starts_with(role.thread_name())).unwrap();
        let (before, after) = calls.split_at(entered + 1);
        let mut note = |role, calls: &[(&str, &str)]| {
            used.entry(role).or_default().extend(calls.iter().map(|(_, call)| (*call).to_owned()));
        };
        note(role, after);
        // The listener that starts a connection gives it its own filter too.
        if role == Role::Connection {
            note(Role::Listener, before);
            note(Role::Listener, after);
        }
    }
    used
}
