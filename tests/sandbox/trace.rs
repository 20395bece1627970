//! Which system calls a daemon made under which filter, by strace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};

use tallystick::daemon::sandbox::Role;

/// Whom the first thread starts when it opens the house again.
const OF_MAIN: [Role; 4] = [Role::Committer, Role::Checkpointer, Role::Anchor, Role::Audit];

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
    let mut calls: HashMap<&str, Vec<(usize, &str, &str)>> = HashMap::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, call)) = line.split_once("> ") else { continue };
        let (Some((id, name)), Some((call, _))) = (thread.split_once('<'), call.trim_start().split_once('('))
        else {
            continue;
        };
        // The rest of a line that was begun before, or how a thread ended.
        if call.is_empty() || !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        calls.entry(id).or_default().push((at, name, call));
    }
    let mut used = Used::new();
    let entered = |calls: &[(usize, &str, &str)]| calls.iter().rposition(|(.., call)| *call == "seccomp");
    // Of a watch and a watchdog the longer.
    let role_of = |name: &str| {
        let roles = Role::ALL.into_iter().filter(|role| name.starts_with(role.thread_name()));
        roles.max_by_key(|role| role.thread_name().len())
    };
    let entry_of_main = calls.values().find_map(|calls| {
        let (at, name, _) = calls[entered(calls)?];
        (role_of(name) == Some(Role::Main)).then_some(at)
    });
    let entry_of_main = entry_of_main.unwrap_or(usize::MAX);
    for calls in calls.values() {
        let Some(entered) = entered(calls) else { continue };
        let role = role_of(calls[entered].1).unwrap();
        let (before, after) = calls.split_at(entered + 1);
        let mut note = |role, calls: &[(usize, &str, &str)]| {
            used.entry(role).or_default().extend(calls.iter().map(|(.., call)| (*call).to_owned()));
        };
        note(role, after);
        // Whoever starts a thread gives it its own filter too.
        if role == Role::Connection {
            note(Role::Listener, before);
            note(Role::Listener, after);
        } else if OF_MAIN.contains(&role) && calls[0].0 > entry_of_main {
            note(Role::Main, before);
            note(Role::Main, after);
        }
    }
    used
}
