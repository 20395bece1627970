//! A whole run: the checker's own check, then round after round.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tallystick::daemon::paths;

use crate::audit::Audit;
use crate::board::{Board, FIRST_TOKENS};
use crate::connection::Connection;
use crate::daemon::{Running, State};
use crate::load::{self, Killed};
use crate::log::{Clock, Entry, Key};
use crate::model::{Fault, Model};
use crate::options::Options;
use crate::plan::Round;
use crate::self_check;

/// Most faults that are printed.
const SHOWN: usize = 20;
/// Rounds from which on everything must have happened at least once.
const FULL_RUN: u32 = 10;

/// A run under way.
struct Run {
    options: Options,
    state: State,
    clock: Clock,
    model: Model,
    board: Mutex<Board>,
    /// How long a start takes, the last time it was undisturbed.
    start: Duration,
    folds: u64,
    kills_at_start: usize,
    /// Of the last load and the checks after it, for looking into a failure.
    log: Vec<Entry>,
}

/// What the checks of a start found.
struct Checked {
    answers: usize,
    faults: Vec<Fault>,
}

/// Says how it is repeated if a run ends in a panic.
struct Repeat(Options);

/// Runs everything and prints it.
pub fn run(options: Options) -> ExitCode {
    let Options { rounds, seed } = options;
    println!("crash: {rounds} rounds, seed {seed:#018x}");
    let repeat = Repeat(options);
    let begun = Instant::now();
    let done = self_check::run(seed).map_err(|what| format!("the checker itself is wrong: {what}"));
    let done = done.and_then(|tampered| {
        println!("crash: checker: {tampered} tampered logs, each reported");
        let mut run = Run::new(options);
        run.all().map_err(|what| run.failed(&what)).map(|()| run)
    });
    match done {
        Ok(run) => {
            run.finish(begun.elapsed());
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("\ncrash: FAILED: {what}");
            repeat.tell();
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn new(options: Options) -> Self {
        Self {
            options,
            state: State::make(),
            clock: Clock::default(),
            model: Model::default(),
            board: Mutex::default(),
            start: Duration::ZERO,
            folds: 0,
            kills_at_start: 0,
            log: Vec::new(),
        }
    }

    fn all(&mut self) -> Result<(), String> {
        let mut running = self.first_start()?;
        for number in 1..=self.options.rounds {
            let round = Round::of(self.options.seed, number);
            let killed = load::run(&round, self.state.dir(), &mut running, &self.board, &self.clock)?;
            self.log.clone_from(&killed.log);
            let found = self.model.absorb(&killed.log);
            let again;
            (running, again) = self.start_again(&round)?;
            // The last checks leave nothing out.
            let mut checked = self.check(round.check_seed, number == self.options.rounds)?;
            self.folds += killed.folds;
            self.kills_at_start += round.kills_at_start.len();
            checked.faults.splice(..0, found);
            println!("{}", line(&round, &killed, &again, &checked));
            verdict(&round, &checked.faults)?;
        }
        running.kill()?;
        let missing = self.model.tally.missing();
        if self.options.rounds >= FULL_RUN && !missing.is_empty() {
            return Err(format!("the run proves little: it had no {}", missing.join(", no ")));
        }
        Ok(())
    }

    /// Starts and saves the first cards.
    fn first_start(&mut self) -> Result<Running, String> {
        let (running, time) = self.state.start()?;
        self.start = time;
        let mut board = self.board.lock().unwrap();
        let cards = (0..FIRST_TOKENS as u64).map(|nth| (board.provision(), Some(Key(nth)))).collect();
        let mut audit = audit(&self.state, &self.clock, &mut self.model, &mut board, self.options.seed)?;
        audit.ask_all(cards)?;
        let faults = audit.faults;
        if let Some(fault) = faults.first() { Err(fault.to_string()) } else { Ok(running) }
    }

    /// Starts again, killed at it as often as is planned.
    fn start_again(&mut self, round: &Round) -> Result<(Running, Vec<Duration>), String> {
        // The next round's load runs on the daemon that starts here.
        self.state.configure(Round::of(self.options.seed, round.number + 1).small_journal);
        let times: Vec<_> = round.kills_at_start.iter().map(|share| self.start * *share / 1000).collect();
        for time in &times {
            let mut killed = self.state.spawn();
            std::thread::sleep(*time);
            killed.kill()?;
        }
        let (running, time) = self.state.start()?;
        self.start = time;
        Ok((running, times))
    }

    fn check(&mut self, seed: u64, thorough: bool) -> Result<Checked, String> {
        let mut board = self.board.lock().unwrap();
        let mut audit = audit(&self.state, &self.clock, &mut self.model, &mut board, seed)?;
        audit.thorough = thorough;
        let done = audit.run();
        let Audit { checked, faults, mut log, .. } = audit;
        self.log.append(&mut log);
        self.model.settle();
        done.map(|()| Checked { answers: checked, faults })
    }

    /// Keeps what is needed to look into a failure, and says where.
    fn failed(&self, what: &str) -> String {
        let lines = self.log.iter().fold(String::new(), |mut lines, entry| {
            let _ = writeln!(lines, "{entry}");
            lines
        });
        let path = self.state.path("client-log");
        let _ = std::fs::write(&path, lines);
        format!(
            "{what}\nstate directory, with the client's log of the last round: {}",
            self.state.dir().display()
        )
    }

    fn finish(self, time: Duration) {
        let Self { options, model, folds, kills_at_start, state, .. } = self;
        let tally = model.tally;
        println!(
            "crash: all good: {} rounds, {kills_at_start} kills at start, {folds} folds seen, {:.1} s; \
             acknowledged {}, refused {}, unknown {}; {} issued, {} accepted, {} replays refused, \
             {} retries gave the same bytes, {} conflicts, {} unknown keys resolved, {} tokens; seed {:#018x}",
            options.rounds,
            time.as_secs_f64(),
            tally.acknowledged,
            tally.refused,
            tally.unknown,
            tally.issued,
            tally.accepted,
            tally.replays,
            tally.recalls,
            tally.conflicts,
            tally.resolved,
            tally.provisioned,
            options.seed,
        );
        state.remove();
    }
}

impl Repeat {
    fn tell(&self) {
        let Options { rounds, seed } = self.0;
        eprintln!("again: cargo test --test crash -- --rounds {rounds} --seed {seed:#018x}");
    }
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
    }
}

fn audit<'a, 'c>(
    state: &State,
    clock: &'c Clock,
    model: &'a mut Model,
    board: &'a mut Board,
    seed: u64,
) -> Result<Audit<'a, 'c>, String> {
    let connection = Connection::open(&paths::admin_socket(state.dir()), clock)
        .map_err(|end| format!("connecting: {end:?}"))?;
    let rng = Rng::with_seed(seed);
    Ok(Audit {
        connection,
        model,
        board,
        rng,
        thorough: false,
        faults: Vec::new(),
        checked: 0,
        log: Vec::new(),
    })
}

/// What a round came to.
fn line(round: &Round, killed: &Killed, again: &[Duration], checked: &Checked) -> String {
    let millis = |time: &Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
    let count = |of: fn(&Entry) -> bool| killed.log.iter().filter(|entry| of(entry)).count();
    let again = match again {
        [] => String::new(),
        times => {
            format!(", and {} ms into starting", times.iter().map(millis).collect::<Vec<_>>().join(" and "))
        }
    };
    format!(
        "round {:>3}  plan {}  killed {} ({} ms, {} replies{}){again}; acknowledged {}, refused {}, \
         unknown {}; checked {}",
        round.number,
        round.digest(),
        round.kill,
        millis(&killed.after),
        killed.replies,
        if killed.folds > 0 { format!(", {} folds", killed.folds) } else { String::new() },
        count(|entry| entry.told().is_some()),
        count(|entry| entry.status().is_some()),
        count(Entry::is_unknown),
        checked.answers,
    )
}

fn verdict(round: &Round, faults: &[Fault]) -> Result<(), String> {
    if faults.is_empty() {
        return Ok(());
    }
    let mut text = format!("round {}: {} faults", round.number, faults.len());
    for fault in faults.iter().take(SHOWN) {
        let _ = write!(text, "\n  {fault}");
    }
    Err(text)
}
