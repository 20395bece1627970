//! A whole run: the checker's own check, then round after round.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tallystick::daemon::paths;

use crate::audit::Audit;
use crate::board::{Board, FIRST_TOKENS};
use crate::chips::Chips;
use crate::connection::Connection;
use crate::daemon::{Running, State};
use crate::load;
use crate::log::{Clock, Entry, Key};
use crate::model::Model;
use crate::options::Options;
use crate::plan::Round;
use crate::report::{self, Checked, Total};
use crate::self_check;

/// Rounds from which on everything must have happened at least once.
const FULL_RUN: u32 = 10;

/// A run under way.
struct Run {
    options: Options,
    state: State,
    clock: Clock,
    model: Model,
    board: Mutex<Board>,
    chips: Chips,
    /// How long a start takes, the last time it was undisturbed.
    start: Duration,
    pages: u64,
    kills_at_start: usize,
    /// Of the last load and the checks after it, for looking into a failure.
    log: Vec<Entry>,
}

/// Says how it is repeated if a run ends in a panic.
struct Repeat(Options);

/// Runs everything and prints it.
pub fn run(options: Options) -> ExitCode {
    let Options { rounds, seed, .. } = options;
    println!("crash: {rounds} rounds, seed {seed:#018x}");
    let repeat = Repeat(options);
    let begun = Instant::now();
    let done = self_check::run(seed).map_err(|what| format!("the checker itself is wrong: {what}"));
    let done = done.and_then(|tampered| {
        println!("crash: checker: {tampered} tampered logs, each reported");
        let mut run = Run::new(options);
        println!("crash: state directory {}", run.state.dir().display());
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
            chips: Chips::default(),
            start: Duration::ZERO,
            pages: 0,
            kills_at_start: 0,
            log: Vec::new(),
        }
    }

    fn all(&mut self) -> Result<(), String> {
        let mut running = self.first_start()?;
        for number in 1..=self.options.rounds {
            let round = Round::of(self.options.seed, number);
            running = self.round(&round, running)?;
        }
        running.kill()?;
        let mut missing = self.model.tally.missing();
        if self.chips.accepted == 0 || self.chips.replayed == 0 {
            missing.push("cryptograms of cards");
        }
        if self.options.rounds >= FULL_RUN && !missing.is_empty() {
            return Err(format!("the run proves little: it had no {}", missing.join(", no ")));
        }
        Ok(())
    }

    /// Load, kill, start, checks; the daemon that was checked.
    fn round(&mut self, round: &Round, mut running: Running) -> Result<Running, String> {
        let trouble = |what: String| report::verdict(round, &[], Some(&what)).unwrap_err();
        let (dir, clock) = (self.state.dir(), &self.clock);
        let killed = load::run(round, dir, &mut running, &self.board, &mut self.chips, clock);
        let killed = killed.map_err(trouble)?;
        self.log.clone_from(&killed.log);
        let mut faults = self.model.absorb(&killed.log);
        let (running, again) = match self.start_again(round) {
            Ok(started) => started,
            Err(what) => return Err(report::verdict(round, &faults, Some(&what)).unwrap_err()),
        };
        // The last checks leave nothing out.
        let mut checked = self.check(round.check_seed, round.number == self.options.rounds);
        self.pages += killed.pages;
        self.kills_at_start += round.kills_at_start.len();
        faults.append(&mut checked.faults);
        println!("{}", report::round(round, &killed, &again, &checked));
        report::verdict(round, &faults, checked.trouble.as_deref()).map(|()| running)
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

    fn check(&mut self, seed: u64, thorough: bool) -> Checked {
        let mut board = self.board.lock().unwrap();
        let mut audit = match audit(&self.state, &self.clock, &mut self.model, &mut board, seed) {
            Ok(audit) => audit,
            Err(trouble) => return Checked { answers: 0, faults: Vec::new(), trouble: Some(trouble) },
        };
        audit.thorough = thorough;
        let cards = self.chips.check(&paths::data_socket(self.state.dir()));
        let trouble = cards.and_then(|()| audit.run()).err();
        let Audit { checked, faults, mut log, .. } = audit;
        self.log.append(&mut log);
        self.model.settle();
        Checked { answers: checked, faults, trouble }
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
        let Self { options, model, chips, pages, kills_at_start, state, .. } = self;
        let total = Total { rounds: options.rounds, kills_at_start, pages, time, seed: options.seed };
        println!("{}", total.line(&model.tally));
        let Chips { accepted, replayed, .. } = chips;
        println!("crash: cards: {accepted} cryptograms accepted, {replayed} refused as used");
        state.remove();
    }
}

impl Repeat {
    fn tell(&self) {
        let Options { rounds, seed, .. } = self.0;
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
        elsewhere: None,
        thorough: false,
        faults: Vec::new(),
        checked: 0,
        log: Vec::new(),
    })
}
