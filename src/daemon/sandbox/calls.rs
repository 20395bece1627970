//! The system calls of each role, each with the reason why it is there.
//! `tests/sandbox` shows that each is made, and that no other is.

use libc::c_long;

/// A system call that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its name, as in `libc::SYS_…`.
    pub name: &'static str,
    /// Its number on this machine.
    pub number: c_long,
    /// With which arguments.
    pub only: Only,
    /// Why it is allowed.
    pub why: &'static str,
}

/// Which arguments are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// All.
    Any,
    /// No memory that can be executed (third argument without `PROT_EXEC`).
    NotExecutable,
    /// A thread of this process (first argument with `CLONE_THREAD`).
    Thread,
    /// A socket of the Unix family (first argument `AF_UNIX`).
    UnixSocket,
    /// A first argument that is one of these.
    First(&'static [libc::c_int]),
    /// This second argument.
    Second(libc::Ioctl),
}

macro_rules! calls {
    ($($(#[$cfg:meta])* $name:ident $(($only:expr))? $why:literal,)*) => {
        &[$($(#[$cfg])* Call {
            name: stringify!($name),
            number: libc::$name,
            only: calls!(@only $($only)?),
            why: $why,
        },)*]
    };
    (@only) => { Only::Any };
    (@only $only:expr) => { $only };
}

/// What the allocator, the C library and the standard library do in whichever
/// thread it comes to.
pub(super) const EVERY: &[Call] = calls! {
    SYS_futex "waits for locks, channels and the ends of threads",
    SYS_mmap (Only::NotExecutable) "allocates",
    SYS_munmap "frees, and gives back a thread's signal stack",
    SYS_mprotect (Only::NotExecutable) "makes more of a thread's heap usable",
    SYS_mremap "a large allocation grows",
    SYS_brk "the first thread's heap, from which others may free",
    SYS_madvise "gives back what an ended thread used of its stack",
    SYS_close "whatever is dropped",
    SYS_write "the log",
    SYS_getrandom "hash maps are seeded in each thread; keys, nonces and tokens are drawn",
    SYS_sendto "answers; and a signal's handler, in whichever thread, tells the one that waits",
    SYS_rt_sigreturn "the end of a signal's handler",
    SYS_rt_sigprocmask "a thread ends",
    SYS_sigaltstack "a thread ends",
    SYS_exit "a thread ends",
    SYS_exit_group "the process ends, from whichever thread finds that it must",
    SYS_restart_syscall "a wait with a limit goes on after the process was stopped",
    SYS_sched_yield "a channel's other end is just about to be done",
    SYS_clock_gettime "where the clock cannot be read without a call",
    #[cfg(debug_assertions)]
    SYS_fcntl "builds for debugging check a descriptor before they close it",
};

/// The first thread: waits, then brings everything down.
pub(super) const MAIN: &[Call] = calls! {
    SYS_shutdown "ends reading on every connection",
    SYS_read "the keyring, when it is to be opened again",
    SYS_lseek "how long it is",
    SYS_flock "the store's lock",
    SYS_getdents64 "the files of the audit log",
    SYS_renameat "a keyring without a destroyed key takes the old one's place",
    SYS_capget "who it starts looks whether it has capabilities to give up",
    #[cfg(target_arch = "x86_64")]
    SYS_unlink "removes the sockets",
    #[cfg(not(target_arch = "x86_64"))]
    SYS_unlinkat "removes the sockets",
};

/// Waits for signals.
pub(super) const SIGNALS: &[Call] = calls! {
    SYS_recvfrom "waits for what a signal's handler tells",
};

/// Accepts, and starts the thread of each connection.
pub(super) const LISTENER: &[Call] = calls! {
    SYS_ppoll "waits for peers, and for the end",
    SYS_epoll_ctl "has a peer's process watched",
    SYS_accept4 "accepts",
    SYS_getsockopt "asks who the peer is",
};

/// Starts threads, of which the first steps are still taken under this filter.
pub(super) const STARTER: &[Call] = calls! {
    SYS_clone3 "is refused, so that clone is used, which a filter can look into",
    SYS_clone (Only::Thread) "starts a thread",
    SYS_prctl (Only::First(&[libc::PR_SET_NAME, libc::PR_SET_NO_NEW_PRIVS])) "the thread is named and gets its filter",
    SYS_seccomp "that filter",
    SYS_set_robust_list "a thread begins",
    SYS_rseq "a thread begins",
    SYS_gettid "a thread begins",
    SYS_sched_getaffinity "a thread looks for the bounds of its stack",
};

/// Whoever holds the pen of the hall: mostly the committer, or a connection that
/// commits the little that it asked for. A connection whose commit fails closes the
/// store too.
pub(super) const WRITER: &[Call] = calls! {
    SYS_pread64 "reads database and log",
    SYS_pwrite64 "writes them",
    SYS_fdatasync "makes them durable",
    SYS_fallocate "room for the log ahead",
    SYS_openat "the log, to make it longer, and its directory",
    SYS_fchmod "the log stays its owner's",
    SYS_statx "the length of the log",
    SYS_fsync "the log's new length and its directory",
    SYS_newfstatat "SQLite looks whether its files are still there",
    SYS_statfs "looks for free space",
    SYS_ftruncate "SQLite shortens the log when the store is closed",
    #[cfg(target_arch = "x86_64")]
    SYS_unlink "SQLite removes the index of the log then",
    #[cfg(not(target_arch = "x86_64"))]
    SYS_unlinkat "SQLite removes the index of the log then",
    #[cfg(not(debug_assertions))]
    SYS_fcntl "SQLite's locks; and a listener's second handle of a connection, to end it by",
    SYS_clock_nanosleep "waits for room; and a listener a little when there are no more descriptors",
};

/// Reads requests, answers them.
pub(super) const CONNECTION: &[Call] = calls! {
    SYS_recvfrom "looks whether HTTP is spoken, and reads",
    SYS_setsockopt "the limit for writing",
    SYS_read "the keyring's file, which tells what opens it",
    SYS_prctl (Only::First(&[libc::PR_GET_DUMPABLE, libc::PR_GET_NO_NEW_PRIVS])) "status tells how the process is hardened",
    SYS_prlimit64 "status tells the limit of core dumps",
};

/// Writes what no connection writes, and reads rows: as a writer it has all that it
/// needs.
pub(super) const COMMITTER: &[Call] = &[];

/// Speaks to the database that several nodes share, and connects to it again.
pub(super) const DATABASE: &[Call] = calls! {
    SYS_socket (Only::First(&[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6])) "its connection",
    SYS_connect "that connection; Landlock leaves TCP the database's ports only",
    SYS_ioctl (Only::Second(libc::FIONBIO)) "connecting is waited for only so long",
    #[cfg(target_arch = "x86_64")]
    SYS_poll "waits for it",
    #[cfg(not(target_arch = "x86_64"))]
    SYS_ppoll "waits for it",
    SYS_getsockopt "why it did not come to be",
    SYS_setsockopt "the patience with it",
    SYS_recvfrom "its answers",
    SYS_writev "records of TLS go out together",
};

/// Puts the log into the database.
pub(super) const CHECKPOINTER: &[Call] = calls! {
    SYS_pread64 "reads the log",
    SYS_pwrite64 "writes the database",
    SYS_fdatasync "makes both durable",
    SYS_openat "SQLite opens the directory, to make the name of the log durable",
    SYS_ftruncate "SQLite cuts the database to its length when the whole log is in it",
    SYS_newfstatat "SQLite looks whether its files are still there",
    #[cfg(not(debug_assertions))]
    SYS_fcntl "SQLite's locks",
};

/// Writes what remembers how far the daemon has come: a file, and a service.
pub(super) const REMEMBERER: &[Call] = calls! {
    SYS_pread64 "reads what the file remembers",
    SYS_pwrite64 "writes it",
    SYS_fdatasync "makes it durable",
    SYS_socket (Only::UnixSocket) "the service that remembers it too",
    SYS_connect "that service",
    SYS_setsockopt "the patience with it",
    SYS_recvfrom "its answer",
};

/// Tells the anchor: no more than that.
pub(super) const ANCHOR: &[Call] = &[];

/// Writes the audit log and what remembers its head.
pub(super) const AUDIT: &[Call] = calls! {
    SYS_openat "the next file of the log, and its directory",
    SYS_fchmod "it is its owner's",
    SYS_statx "whether there is one already",
    SYS_ftruncate "it begins empty",
    SYS_fallocate "its room",
    SYS_fsync "it and its name are durable",
    SYS_rename "it becomes part of the log",
    #[cfg(target_arch = "x86_64")]
    SYS_unlink "it is removed if the disk has no room for it",
    #[cfg(not(target_arch = "x86_64"))]
    SYS_unlinkat "it is removed if the disk has no room for it",
};

/// Opens the store by SQLite.
pub(super) const OPENER: &[Call] = calls! {
    SYS_getpid "SQLite makes sure that it was not forked since",
    SYS_geteuid "SQLite looks whether it is root",
    SYS_fchown "and gives its files to the database's owner then",
};

/// Reads the store.
pub(super) const BACKUP: &[Call] = calls! {
    SYS_clock_nanosleep "until a piece is taken",
    SYS_openat "SQLite opens the store to read it",
    SYS_pread64 "reads it",
    SYS_newfstatat "SQLite looks whether its files are still there",
    #[cfg(not(debug_assertions))]
    SYS_fcntl "SQLite's locks",
};

/// Tells strangers.
pub(super) const PORTER: &[Call] = calls! {
    SYS_setsockopt "the patience with a stranger",
    SYS_recvfrom "its HELLO",
    SYS_ioctl (Only::Second(libc::FIONBIO)) "its answer is not waited for",
};

/// Waits for peers' processes to end.
pub(super) const WATCH: &[Call] = calls! {
    SYS_epoll_pwait "waits for processes to end",
    SYS_shutdown "ends reading on their connections",
};

/// Looks at executables, which is why it keeps the files and the capability that no
/// other thread has.
pub(super) const EXAMINER: &[Call] = calls! {
    SYS_ppoll "whether the process is still there",
    SYS_openat "the executable of a process",
    SYS_statx "how long it is",
    SYS_read "reads it",
};

/// Tells the service manager.
pub(super) const WATCHDOG: &[Call] = calls! {
    SYS_socket (Only::UnixSocket) "the service manager's",
    SYS_connect "talks to it",
    SYS_clock_nanosleep "until the next time",
};
