//! What the process has given up, as the kernel tells it.

use std::fs;

use crate::daemon::Daemon;

#[test]
fn every_thread_has_given_up_what_it_can() {
    let mut daemon = Daemon::prepare();
    daemon.launch("passphrase");
    let mut client = daemon.client();
    client.ping().unwrap();
    let pid = daemon.pid();
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        // One that tried the socket may just have ended.
        let Ok(status) = fs::read_to_string(task.unwrap().path().join("status")) else { continue };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name}")).trim_start_matches(':').trim().to_owned()
        };
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(field(set), "0000000000000000", "{set} of {}", field("Name"));
        }
        assert_eq!(field("NoNewPrivs"), "1", "{}", field("Name"));
        threads += 1;
    }
    // Signals, committer, checkpoints, anchor, two that accept, a connection, and the first.
    assert!(threads >= 8, "{threads}");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    let report = daemon.admin().status().unwrap();
    assert!(!report.dumpable && report.no_new_privs && report.core_limit == Some(0));
}
