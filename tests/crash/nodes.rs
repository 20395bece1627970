//! Several daemons on one database: nodes, database and the ways between them fail, and
//! the same model judges what all of them answered.

mod agree;
#[path = "../support/certificates.rs"]
mod certificates;
mod cluster;
mod link;
mod load;
mod lost;
mod node;
mod plan;
mod proxy;
#[path = "../support/postgres.rs"]
mod server;
mod wire;

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use fastrand::Rng;

use crate::audit::Audit;
use crate::board::{Board, FIRST_TOKENS};
use crate::log::{Clock, Entry, Key};
use crate::model::{Fault, Model};
use crate::options::Options;
use crate::self_check;
use cluster::Cluster;
use plan::Troubles;
use wire::Switch;

/// Rounds from which on everything must have happened at least once.
const FULL_RUN: u32 = plan::KINDS;
/// Faults that are printed.
const SHOWN: usize = 20;
/// Races at the end, of some hundred cryptograms each.
const RACES: usize = 8;

/// A run under way.
struct Run {
    options: Options,
    cluster: Cluster,
    clock: Clock,
    model: Model,
    board: Mutex<Board>,
    log: Vec<Entry>,
    moves: u32,
    ends: usize,
}

/// Runs everything and prints it.
pub fn run(options: Options) -> ExitCode {
    let Options { rounds, seed, nodes, netns } = options;
    println!("crash: {rounds} rounds, {nodes} nodes, seed {seed:#018x}");
    let switch = match netns.then(Switch::make).transpose() {
        Ok(switch) => switch,
        Err(why) => {
            println!("\n*** NOT TESTED: nodes whose packets are lost. No network namespaces: {why}. ***\n");
            return ExitCode::SUCCESS;
        }
    };
    let begun = Instant::now();
    let done = self_check::run(seed).map_err(|what| format!("the checker itself is wrong: {what}"));
    let done = done.and_then(|_| {
        let mut run = Run {
            options,
            cluster: Cluster::start(nodes, switch.as_ref())?,
            clock: Clock::default(),
            model: Model::default(),
            board: Mutex::default(),
            log: Vec::new(),
            moves: 0,
            ends: 0,
        };
        run.all().map_err(|what| run.failed(&what)).map(|()| run)
    });
    match done {
        Ok(run) => {
            run.finish(begun);
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("\ncrash: FAILED: {what}");
            let netns = if netns { " --netns" } else { "" };
            eprintln!(
                "again: cargo test --features postgres --test crash -- --nodes {nodes}{netns} --rounds {rounds} --seed {seed:#018x}"
            );
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn all(&mut self) -> Result<(), String> {
        self.cluster.heal()?;
        self.save_first_cards()?;
        for number in 1..=self.options.rounds {
            self.round(number).map_err(|what| format!("round {number}: {what}"))?;
        }
        let tokens = self.board.get_mut().unwrap().live_tokens();
        let raced = agree::race(&self.cluster, &tokens, RACES)?;
        println!("crash: races of all nodes: {raced:?}, one winner each");
        self.ends += self.cluster.judge_ends()?;
        if self.options.netns && self.cluster.parts_in_turn == 0 {
            return Err("the run proves little: no node was cut off in its turn".to_owned());
        }
        if self.options.rounds < FULL_RUN || self.options.netns {
            return Ok(());
        }
        lost::lose(&mut self.cluster, |cluster| agree::race(cluster, &tokens, 1).map(drop))?;
        println!("crash: every node stopped when a failover had lost groups");
        let mut missing = self.model.tally.missing();
        let counts = [
            (self.cluster.cuts(), "cuts"),
            (self.cluster.stops_in_turn, "stops in a turn"),
            (self.moves, "clients that moved"),
        ];
        missing.extend(counts.into_iter().filter(|(count, _)| *count == 0).map(|(_, name)| name));
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("the run proves little: it had no {}", missing.join(", no ")))
        }
    }

    fn save_first_cards(&mut self) -> Result<(), String> {
        let mut board = self.board.lock().unwrap();
        let cards = (0..FIRST_TOKENS as u64).map(|nth| (board.provision(), Some(Key(nth)))).collect();
        let mut audit = audit(&self.cluster, &self.clock, &mut self.model, &mut board, self.options.seed)?;
        audit.ask_all(cards)?;
        verdict(&audit.faults)
    }

    /// Load and troubles, then the checks.
    fn round(&mut self, number: u32) -> Result<(), String> {
        let round = Troubles::of(self.options.seed, number, self.options.nodes, self.options.netns);
        if round.fails_over() {
            self.cluster.replicate();
        }
        let begun = Instant::now();
        let loaded = load::run(&round, &mut self.cluster, &self.board, &self.clock)?;
        let took = begun.elapsed();
        self.moves += loaded.moves;
        self.log.clone_from(&loaded.log);
        let mut faults = self.model.absorb(&loaded.log);
        let (checked, asked) = self.check(&round, &mut faults)?;
        let tokens = self.board.lock().unwrap().tokens.clone();
        let ends = self.cluster.judge_ends()?;
        self.ends += ends;
        let names: Vec<_> = round.troubles.iter().map(|(_, trouble)| trouble.to_string()).collect();
        println!(
            "round {number:>3}  plan {}  {}; {:.1} s; acknowledged {}, refused {}, unknown {}; {} moves, {ends} nodes \
             ended by themselves; checked {checked}",
            round.load.digest(),
            names.join(", "),
            took.as_secs_f64(),
            count(&loaded.log, |entry| entry.told().is_some()),
            count(&loaded.log, |entry| entry.status().is_some()),
            count(&loaded.log, Entry::is_unknown),
            loaded.moves,
        );
        verdict(&faults)?;
        asked?;
        agree::agree(&self.cluster, &tokens)
    }

    /// Asks one node after the other, whenever one goes away. How many answers there were,
    /// and what ended the asking early.
    fn check(
        &mut self,
        round: &Troubles,
        faults: &mut Vec<Fault>,
    ) -> Result<(usize, Result<(), String>), String> {
        let mut board = self.board.lock().unwrap();
        let seed = round.load.check_seed;
        let mut audit = audit(&self.cluster, &self.clock, &mut self.model, &mut board, seed)?;
        audit.thorough = round.load.number == self.options.rounds;
        let asked = audit.run();
        let checked = audit.checked;
        faults.append(&mut audit.faults);
        self.log.append(&mut audit.log);
        drop(audit);
        self.model.settle();
        Ok((checked, asked))
    }

    /// Keeps what is needed to look into a failure, and says where.
    fn failed(&self, what: &str) -> String {
        let lines: String = self.log.iter().map(|entry| format!("{entry}\n")).collect();
        let path = self.cluster.nodes[0].state.path("client-log");
        let _ = std::fs::write(&path, lines);
        format!(
            "{what}\nstate directories, the first with the client's log: {}",
            self.cluster.places().join(" ")
        )
    }

    fn finish(self, begun: Instant) {
        let Self { options, cluster, model, moves, ends, .. } = self;
        println!(
            "crash: all good: {} rounds, {} nodes, {:.1} s; {} cuts, {} stops and {} cut off in a turn, {moves} moves, {ends} nodes \
             ended by themselves; {:?}; seed {:#018x}",
            options.rounds,
            options.nodes,
            begun.elapsed().as_secs_f64(),
            cluster.cuts(),
            cluster.stops_in_turn,
            cluster.parts_in_turn,
            model.tally,
            options.seed,
        );
        cluster.remove();
    }
}

fn count(log: &[Entry], of: fn(&Entry) -> bool) -> usize {
    log.iter().filter(|entry| of(entry)).count()
}

fn verdict(faults: &[Fault]) -> Result<(), String> {
    if faults.is_empty() {
        return Ok(());
    }
    let shown: String = faults.iter().take(SHOWN).map(|fault| format!("\n  {fault}")).collect();
    Err(format!("{} faults{shown}", faults.len()))
}

fn audit<'a>(
    cluster: &'a Cluster,
    clock: &'a Clock,
    model: &'a mut Model,
    board: &'a mut Board,
    seed: u64,
) -> Result<Audit<'a, 'a>, String> {
    let mut rng = Rng::with_seed(seed);
    let mut next = rng.usize(0..cluster.nodes.len());
    Ok(Audit {
        connection: cluster.admin(next, clock)?,
        elsewhere: Some(Box::new(move || {
            next = (next + 1) % cluster.nodes.len();
            cluster.admin(next, clock)
        })),
        model,
        board,
        rng,
        thorough: false,
        faults: Vec::new(),
        checked: 0,
        log: Vec::new(),
    })
}
