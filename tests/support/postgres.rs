//! A PostgreSQL server of the test's own: made when it is first asked for, gone with the
//! test's process however that ends.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "port.rs"]
mod port;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tallystick::store::postgres::{NodeName, PostgresConfig, PostgresHost, ROLE_SQL, SCHEMA_SQL};

/// How long a server may take to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the nodes log in as.
pub const USER: &str = "node";
const PASSWORD: &str = "pa ss-wörd";
/// A database with the tables and nothing in it.
const TEMPLATE: &str = "tally_template";

/// A server.
pub struct Server {
    dir: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    postmaster: Mutex<Option<Child>>,
    databases: AtomicU32,
    /// Waits for its input to end, as it does with this process, and tidies up.
    _tidier: Child,
}

/// The one server of this test program.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::new)
}

impl Server {
    /// Makes a server and starts it.
    pub fn new() -> Self {
        let server = Self::place();
        server.make();
        server.start();
        server.make_template();
        server
    }

    /// A directory and a port for a server.
    fn place() -> Self {
        let dir = tempfile::Builder::new().prefix("tally-postgres-").tempdir().unwrap().keep();
        let tidier = tidy_up_after(&dir);
        let user = ordinary_user();
        if let Some((uid, gid)) = user {
            chown(&dir, Some(uid), Some(gid)).unwrap();
        }
        let port = port::lasting();
        Self { dir, port, user, postmaster: Mutex::new(None), databases: AtomicU32::new(0), _tidier: tidier }
    }

    /// Makes a standby of this server that follows it by streaming, and starts it.
    pub fn replica(&self) -> Self {
        let replica = Self::place();
        let made = replica
            .command("pg_basebackup")
            .args(["--no-sync", "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf"])
            .args(["-U", "postgres", "-h"])
            .arg(&self.dir)
            .args(["-p", &self.port.to_string(), "-D"])
            .arg(replica.dir.join("data"))
            .status();
        assert!(made.unwrap().success(), "pg_basebackup failed");
        replica.configure(&format!(
            "port = {}\nunix_socket_directories = '{}'\nsynchronous_standby_names = ''\n",
            replica.port,
            replica.dir.display()
        ));
        fs::write(replica.password_file(), format!("{PASSWORD}\n")).unwrap();
        replica.start();
        replica
    }

    /// Makes a standby take writes, and waits until it does.
    pub fn promote(&self) {
        assert_eq!(self.psql("postgres", "SELECT pg_promote(true, 120)"), "t");
    }

    fn make(&self) {
        let data = self.dir.join("data");
        let made = self
            .command("initdb")
            .args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb failed");
        let access = "local all all trust\nlocal replication all trust\n\
                      host all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        self.configure(&format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 300\n\
             shared_buffers = 64MB\nlog_min_messages = warning\n",
            self.port,
            self.dir.display()
        ));
        fs::write(self.password_file(), format!("{PASSWORD}\n")).unwrap();
    }

    /// Adds lines to the server's configuration, which it reads when it starts or reloads.
    pub fn configure(&self, lines: &str) {
        let path = self.dir.join("data/postgresql.conf");
        fs::OpenOptions::new().append(true).open(path).unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self) {
        let until = Instant::now() + PATIENCE;
        *self.postmaster.lock().unwrap() = Some(self.spawn());
        while !self.psql_try("postgres", "SELECT 1").0 {
            assert!(Instant::now() < until, "it does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
            // After a kill it refuses as long as the children of the one before are there.
            let mut postmaster = self.postmaster.lock().unwrap();
            if postmaster.as_mut().unwrap().try_wait().unwrap().is_some() {
                *postmaster = Some(self.spawn());
            }
        }
    }

    fn spawn(&self) -> Child {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log")).unwrap();
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.dir.join("data"));
        postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn make_template(&self) {
        self.psql("postgres", &format!("CREATE DATABASE {TEMPLATE}"));
        self.psql(TEMPLATE, SCHEMA_SQL);
        self.psql(TEMPLATE, ROLE_SQL);
        self.psql(
            TEMPLATE,
            &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}' IN ROLE tallystick_node"),
        );
    }

    /// Makes a database with empty tables.
    pub fn database(&self) -> String {
        let name = format!("tally_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
        name
    }

    /// How the node of a name reaches a database: over TCP, with its password.
    pub fn config(&self, database: &str, node: &str) -> PostgresConfig {
        PostgresConfig {
            hosts: vec![PostgresHost::Tcp("127.0.0.1".to_owned(), self.port)],
            database: database.to_owned(),
            user: USER.to_owned(),
            password_file: Some(self.password_file()),
            tls: None,
            node: NodeName::parse(node).unwrap(),
            patience: PostgresConfig::PATIENCE,
            turn_timeout: PostgresConfig::TURN_TIMEOUT,
        }
    }

    /// Ends the server as a power loss would end its processes, and waits for them.
    pub fn kill(&self) {
        self.signal("KILL");
        let mut child = self.postmaster.lock().unwrap().take().unwrap();
        child.wait().unwrap();
    }

    /// Ends the server and every process of it at once, as a power loss would.
    pub fn kill_all(&self) {
        let pid = self.postmaster.lock().unwrap().as_ref().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        self.kill();
        for child in children.split_whitespace() {
            // Most have noticed by now.
            let _gone = Command::new("kill").args(["-s", "KILL", child]).stderr(Stdio::null()).status();
        }
    }

    /// Stops the server: sessions are ended.
    pub fn stop(&self) {
        self.signal("INT");
        self.postmaster.lock().unwrap().take().unwrap().wait().unwrap();
    }

    /// Listens at another address as well once it starts again, with TLS only.
    pub fn listen_at(&self, address: &str, clients: &str) {
        let access = self.dir.join("data/pg_hba.conf");
        let lines = format!("hostssl all all {clients} scram-sha-256\n");
        fs::OpenOptions::new().append(true).open(access).unwrap().write_all(lines.as_bytes()).unwrap();
        self.configure(&format!("listen_addresses = '127.0.0.1, {address}'\n"));
    }

    /// Starts it again with an authority, its certificate and that one's key.
    pub fn certify(&self, ca: &Path, certificate: &(PathBuf, PathBuf)) {
        let (certificate, key) = (certificate.0.as_path(), certificate.1.as_path());
        for (from, to) in [(certificate, "server.crt"), (key, "server.key"), (ca, "ca.crt")] {
            let to = self.dir.join(to);
            fs::copy(from, &to).unwrap();
            self.give(&to);
        }
        let path = |name: &str| self.dir.join(name).display().to_string();
        self.configure(&format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{}'\n",
            path("server.crt"),
            path("server.key"),
            path("ca.crt")
        ));
        self.stop();
        self.start();
    }

    /// Has the server read its configuration again.
    pub fn reload(&self) {
        self.psql("postgres", "SELECT pg_reload_conf()");
    }

    fn signal(&self, signal: &str) {
        let pid = self.postmaster.lock().unwrap().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Runs SQL as the superuser. What it prints.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let (worked, told) = self.psql_try(database, sql);
        assert!(worked, "{sql}: {told}");
        told
    }

    /// Runs SQL as the superuser. Whether it worked, and what it printed.
    pub fn psql_try(&self, database: &str, sql: &str) -> (bool, String) {
        self.psql_as("postgres", database, sql)
    }

    /// Runs SQL as a role.
    pub fn psql_as(&self, role: &str, database: &str, sql: &str) -> (bool, String) {
        let output = Command::new(binary("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database, "-c", sql])
            .arg("-h")
            .arg(&self.dir)
            .args(["-p", &self.port.to_string()])
            .env("PGCONNECT_TIMEOUT", "10")
            .output()
            .unwrap();
        let told = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&told).trim().to_owned())
    }

    /// Ends every session of a database, from the server's side.
    pub fn end_sessions(&self, database: &str) {
        self.psql(
            "postgres",
            &format!(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{database}'"
            ),
        );
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its socket, its log, its certificates and its data are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn password_file(&self) -> PathBuf {
        self.dir.join("password")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Gives a file to the server's user, for nobody else to read.
    pub fn give(&self, path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// One of the server's programs, as a user that is not root, which they refuse.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binary(name));
        command.current_dir(&self.dir).process_group(0).env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// Waits in a process of its own for this one to end, then stops the server and removes it.
fn tidy_up_after(dir: &Path) -> Child {
    let script = r#"cat >/dev/null
        pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -s QUIT "$pid" 2>/dev/null
        while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        rm -rf "$0""#;
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Whom the server runs as, if this test runs as root.
fn ordinary_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let entry = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().unwrap(), fields.next()?.parse().unwrap()))
    };
    entry("postgres").or_else(|| entry("nobody"))
}

/// A program of the newest PostgreSQL here; Debian keeps them out of the path.
fn binary(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|dirs| dirs.flatten().collect::<Vec<_>>());
    let mut found: Vec<_> = versions
        .unwrap_or_default()
        .iter()
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}
