//! The nodes, their database, and its replica when one is needed.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tallystick::client::Client;

use super::certificates::{authority, certify};
use super::link::Link;
use super::node::Node;
use super::plan::{PATIENCE, TURN, Trouble};
use super::server::{Server, USER};
use super::wire::{Switch, Wire};
use crate::connection::Connection;
use crate::daemon::{SMALL_JOURNAL, State};
use crate::log::Clock;

/// Nodes that are not back after this long do not come back.
const RETURN: Duration = Duration::from_secs(150);
/// How often a node is looked for in its turn.
const TRIES: u32 = 60;

/// Everything that runs.
pub struct Cluster {
    /// Whose keyring they all have, and the database's password.
    first: State,
    pub nodes: Vec<Node>,
    /// The servers, by the place that each node's ways have for them.
    servers: [Option<Server>; 2],
    primary: usize,
    database: String,
    pub stops_in_turn: u32,
    pub parts_in_turn: u32,
}

impl Cluster {
    /// Starts so many nodes, over a switch if there is one.
    pub fn start(count: usize, switch: Option<&Arc<Switch>>) -> Result<Self, String> {
        let server = Server::new();
        let database = server.database();
        let first = State::make();
        let password = first.path("database-password");
        std::fs::copy(server.password_file(), &password).unwrap();
        let mut store = format!(
            "\n[limits]\njournal_bytes = {SMALL_JOURNAL}\n\n[store]\nkind = \"postgres\"\n\
             database = \"{database}\"\nuser = \"{USER}\"\npassword_file = {password:?}\n\
             patience_seconds = {}\nturn_milliseconds = {}\n",
            PATIENCE.as_secs(),
            TURN.as_millis(),
        );
        if let Some(switch) = switch {
            let ca = authority(first.dir(), "ca");
            let certificate = certify(first.dir(), "server", &format!("IP:{}", switch.address()));
            server.listen_at(&switch.address(), &switch.net());
            server.certify(&ca, &certificate);
            store += &format!("ca_file = {ca:?}\n");
        }
        let mut nodes = Vec::new();
        for number in 0..count {
            let link = match switch {
                Some(switch) => Link::Wire(Wire::lay(switch, number)?),
                None => Link::proxies(),
            };
            link.lead_to(0, Some(server.port()));
            let more = format!("{store}hosts = {:?}\nnode = \"node-{number}\"\n", link.hosts(server.port()));
            nodes.push(Node::start(first.of_node(more, link.namespace()), link));
        }
        Ok(Self {
            first,
            nodes,
            servers: [Some(server), None],
            primary: 0,
            database,
            stops_in_turn: 0,
            parts_in_turn: 0,
        })
    }

    fn primary(&self) -> &Server {
        self.servers[self.primary].as_ref().expect("a primary")
    }

    /// Makes a replica that every commit waits for.
    pub fn replicate(&mut self) {
        let replica = self.primary().replica();
        self.primary().configure("synchronous_standby_names = '*'\n");
        self.primary().reload();
        let place = 1 - self.primary;
        self.nodes.iter().for_each(|node| node.link.lead_to(place, Some(replica.port())));
        self.servers[place] = Some(replica);
        self.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1");
    }

    /// Makes a replica that no commit waits for, and cuts it off.
    pub fn replicate_behind(&mut self) {
        let replica = self.primary().replica();
        self.until("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1");
        replica.psql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
        replica.reload();
        self.until("SELECT count(*) FROM pg_stat_replication", "0");
        let place = 1 - self.primary;
        self.nodes.iter().for_each(|node| node.link.lead_to(place, Some(replica.port())));
        self.servers[place] = Some(replica);
    }

    /// Lets something happen. When it returns it has happened, but for cuts, which wait for
    /// their byte, and for nodes that are cut off.
    pub fn trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Kill { node } => self.nodes[node].signal(Signal::KILL),
            Trouble::KillAll => self.nodes.iter().for_each(|node| node.signal(Signal::KILL)),
            Trouble::Stop { node } => {
                self.stops_in_turn += u32::from(self.stop_in_turn(node));
                sleep(TURN * 2);
                self.nodes[node].signal(Signal::CONT);
            }
            Trouble::KillDatabase => {
                self.primary().kill_all();
                sleep(TURN / 4);
                self.primary().start();
            }
            Trouble::Cut { node, cut } => self.nodes[node].link.cut(self.primary, cut),
            Trouble::Part { node } => {
                self.parts_in_turn += u32::from(self.part_in_turn(node));
                if self.nodes.len() > 1 {
                    self.until_others_go_on();
                }
                sleep(TURN * 2);
            }
            Trouble::EndSessions => self.primary().end_sessions(&self.database),
            Trouble::FailOver => self.fail_over(),
        }
    }

    /// Waits until groups come, although a node that was cut off may have had the turn.
    fn until_others_go_on(&self) {
        let head = "SELECT number FROM tallystick.head";
        let before = self.primary().psql(&self.database, head);
        self.until_in(&self.database, &format!("SELECT (({head}) > {before} + 3)::text"), "true");
    }

    /// Stops a node while it has the turn, if that can be met.
    fn stop_in_turn(&self, node: usize) -> bool {
        let held = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%' AND datname = '{}'",
            self.database
        );
        let mut is_held = false;
        for _ in 0..TRIES {
            self.nodes[node].signal(Signal::STOP);
            // The others finish theirs meanwhile; this one cannot.
            sleep(TURN / 20);
            is_held = self.primary().psql("postgres", &held) == "1";
            if is_held {
                break;
            }
            self.nodes[node].signal(Signal::CONT);
            sleep(TURN / 100);
        }
        self.nodes[node].signal(Signal::STOP);
        is_held
    }

    /// Cuts a node off while it has the turn, if that can be told and met.
    fn part_in_turn(&self, node: usize) -> bool {
        let link = &self.nodes[node].link;
        link.part();
        let Some(address) = link.address() else { return false };
        let held = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%' AND client_addr = '{address}'"
        );
        for _ in 0..TRIES {
            sleep(TURN / 20);
            if self.primary().psql("postgres", &held) == "1" {
                return true;
            }
            link.heal();
            sleep(TURN / 4);
            link.part();
        }
        false
    }

    /// The primary is gone for good, and its replica takes over.
    pub fn fail_over(&mut self) {
        let (old, new) = (self.primary, 1 - self.primary);
        self.primary().kill_all();
        self.primary = new;
        self.primary().promote();
        self.nodes.iter().for_each(|node| node.link.lead_to(old, None));
        self.servers[old] = None;
    }

    /// Ends what still lasts, and waits until every node serves.
    pub fn heal(&self) -> Result<(), String> {
        for node in &self.nodes {
            node.link.heal();
            node.signal(Signal::CONT);
        }
        let until = Instant::now() + RETURN;
        for (number, node) in self.nodes.iter().enumerate() {
            while !serves(node) {
                if let Some(end) = node.bad_end() {
                    return Err(format!("node {number} ended as none may: {end}"));
                }
                if Instant::now() > until {
                    return Err(format!("node {number} does not come back: {:?}", node.take_ends().pop()));
                }
                sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// Connects to a node's admin socket, beginning with this one.
    pub fn admin<'c>(&self, first: usize, clock: &'c Clock) -> Result<Connection<'c>, String> {
        let until = Instant::now() + RETURN;
        for node in self.nodes.iter().cycle().skip(first) {
            if let Ok(connection) = Connection::open(&node.admin_socket(), clock) {
                return Ok(connection);
            }
            if Instant::now() > until {
                break;
            }
            sleep(Duration::from_millis(20));
        }
        Err("no node can be reached".to_owned())
    }

    /// What nodes ended with by themselves; an error if it is nothing that may end one.
    pub fn judge_ends(&self) -> Result<usize, String> {
        match self.nodes.iter().find_map(Node::bad_end) {
            Some(bad) => Err(format!("a node ended as none may: {bad}")),
            None => Ok(self.nodes.iter().map(|node| node.take_ends().len()).sum()),
        }
    }

    pub fn cuts(&self) -> u32 {
        self.nodes.iter().map(|node| node.link.cuts()).sum()
    }

    /// Where each node's state is.
    pub fn places(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.state.dir().display().to_string()).collect()
    }

    /// Ends everything, and leaves nothing behind.
    pub fn remove(self) {
        for mut node in self.nodes {
            node.end();
            node.remove();
        }
        self.first.remove();
    }

    fn until(&self, select: &str, told: &str) {
        self.until_in("postgres", select, told);
    }

    fn until_in(&self, database: &str, select: &str, told: &str) {
        let until = Instant::now() + RETURN;
        while self.primary().psql(database, select) != told {
            assert!(Instant::now() < until, "{select}");
            sleep(Duration::from_millis(20));
        }
    }
}

/// Whether a node answers something that it must take a turn for.
fn serves(node: &Node) -> bool {
    let Ok(mut client) = Client::connect(&node.admin_socket(), "crash") else { return false };
    let none = tallystick::types::TokenNumber::parse(b"4895370000000004");
    match none {
        Ok(none) => matches!(
            client.show(none),
            Err(tallystick::client::ClientError::Refused(tallystick::wire::Status::UnknownToken, _)) | Ok(_)
        ),
        Err(_) => client.ping().is_ok(),
    }
}
