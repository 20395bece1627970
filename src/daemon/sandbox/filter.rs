//! Seccomp filters made of the lists of calls.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::Role;
use super::calls::Only;

/// The filter of each role, compiled before it is needed.
pub(super) struct Filters(Vec<(Role, BpfProgram, Option<BpfProgram>)>);

impl Filters {
    /// Filters that kill, or that only log; of a daemon whose store is shared, or in a file.
    pub fn new(kill: bool, is_shared: bool) -> Result<Self, Error> {
        let filter = |role: Role| Ok((role, compiled(role, kill, is_shared)?, without_clone3(role)?));
        Role::ALL.into_iter().map(filter).collect::<Result<_, _>>().map(Self)
    }

    /// Puts the filter of a role on the calling thread.
    pub fn put_on(&self, role: Role) -> Result<(), Error> {
        for (_, calls, clone3) in self.0.iter().filter(|(of, ..)| *of == role) {
            if let Some(clone3) = clone3 {
                apply_filter(clone3)?;
            }
            apply_filter(calls)?;
        }
        Ok(())
    }
}

fn compiled(role: Role, kill: bool, is_shared: bool) -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let calls = || role.calls().chain(if is_shared { role.database_calls() } else { &[] });
    for call in calls() {
        rules.entry(call.number).or_default().extend(alternatives(call.only)?);
    }
    // A list that is empty allows everything, so one without conditions wins.
    let open = calls().filter(|call| call.only == Only::Any);
    rules.extend(open.map(|call| (call.number, Vec::new())));
    let other = if kill { SeccompAction::KillProcess } else { SeccompAction::Log };
    Ok(SeccompFilter::new(rules, other, SeccompAction::Allow, ARCH.try_into()?)?.try_into()?)
}

/// The rules of which one must hold.
fn alternatives(only: Only) -> Result<Vec<SeccompRule>, Error> {
    let masked = |argument, mask: libc::c_int, value: libc::c_int| {
        let (mask, value) = (u64::from(mask.cast_unsigned()), u64::from(value.cast_unsigned()));
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
    };
    let is = |value: u64| SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let conditions = match only {
        Only::Any => Vec::new(),
        Only::NotExecutable => vec![masked(2, libc::PROT_EXEC, 0)],
        Only::Thread => vec![masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)],
        Only::UnixSocket => vec![masked(0, -1, libc::AF_UNIX)],
        Only::Second(value) => vec![is(value)],
        Only::First(values) => values.iter().map(|value| masked(0, -1, *value)).collect(),
    };
    let rules = conditions.into_iter().map(|condition| Ok(SeccompRule::new(vec![condition?])?));
    rules.collect()
}

/// A filter cannot read what `clone3` is given, so where threads are started it is
/// told as unknown, and the C library goes back to `clone`, of which the flags can
/// be seen.
fn without_clone3(role: Role) -> Result<Option<BpfProgram>, Error> {
    if !role.starts_threads() {
        return Ok(None);
    }
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let errno = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    Ok(Some(SeccompFilter::new(rules, SeccompAction::Allow, errno, ARCH.try_into()?)?.try_into()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_filter_compiles() {
        for (kill, is_shared) in [(true, false), (false, false), (true, true), (false, true)] {
            assert_eq!(Filters::new(kill, is_shared).unwrap().0.len(), Role::ALL.len());
        }
    }

    #[test]
    fn no_call_is_listed_twice_and_each_has_its_reason() {
        let lists = Role::ALL.map(Role::own_calls);
        for list in lists.into_iter().chain(Role::shared_calls()).chain([Role::Main.database_calls()]) {
            let mut seen = HashSet::new();
            for call in list {
                assert!(seen.insert(call.number), "{} twice", call.name);
                assert!(call.why.len() > 5, "{}", call.name);
            }
        }
    }

    /// Whatever a filter leaves open, it must not be this.
    #[test]
    fn nothing_starts_programs_or_looks_into_others() {
        let never = [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_mount,
            libc::SYS_setuid,
            libc::SYS_kill,
            libc::SYS_pidfd_getfd,
            libc::SYS_io_uring_setup,
            libc::SYS_io_uring_enter,
            libc::SYS_io_uring_register,
        ];
        for role in Role::ALL {
            let mut calls = role.calls().chain(role.database_calls());
            assert!(calls.all(|call| !never.contains(&call.number)), "{role}");
        }
    }
}
