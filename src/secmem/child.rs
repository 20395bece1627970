//! For tests: things that must end, or must confine, a process of their own.
#![allow(unsafe_code, clippy::as_conversions)]

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did all it was to do.
    Done,
    /// An assertion failed in it.
    Panicked,
    /// A signal ended it.
    Signal(i32),
    /// Something else.
    Status(i32),
}

/// Runs `body` in a forked child. Only the forking thread lives on there, so
/// an alarm ends a child that waits for another's lock.
pub(super) fn run(body: impl FnOnce()) -> Outcome {
    // SAFETY: the child runs only `body` and then leaves without unwinding further.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: plain system calls with valid arguments.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core) };
        // SAFETY: as above.
        unsafe { libc::alarm(30) };
        let code = i32::from(catch_unwind(AssertUnwindSafe(body)).is_err());
        // SAFETY: ends the process at once, which is what is wanted.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child, into a valid place.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    match status {
        0 => Outcome::Done,
        _ if libc::WIFSIGNALED(status) => Outcome::Signal(libc::WTERMSIG(status)),
        _ if libc::WEXITSTATUS(status) == 1 => Outcome::Panicked,
        _ => Outcome::Status(status),
    }
}

/// From now on the calling process, a child, gets `errno` for this system
/// call, as from a container's filter.
pub(super) fn deny(call: libc::c_long, errno: i32) {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let op = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        op(LOAD, 0, 0, 0),
        op(JUMP_IF_EQUAL, 0, 1, call as u32),
        op(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        op(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    rustix::thread::set_no_new_privs(true).unwrap();
    // SAFETY: the program is valid and outlives the call.
    let set = unsafe {
        let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
        libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program)
    };
    assert_eq!(set, 0, "seccomp filter");
}

/// Leaves the calling process, a child, without the right to lock memory.
pub(super) fn forbid_locking() {
    const NOBODY: libc::uid_t = 65_534;
    // SAFETY: plain system call; it also drops root's capabilities, which have no lock limit.
    let changed = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    // SAFETY: plain system call.
    let root = unsafe { libc::geteuid() } == 0;
    assert!(changed == 0 || !root, "setresuid");
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: plain system call with a valid argument.
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const none) };
    assert_eq!(limited, 0, "setrlimit");
}
