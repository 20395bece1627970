//! Long work: how far it has come, and how it is interrupted.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::output::{Failure, INTERRUPTED, Output};

/// How often a line is written where no bar can be drawn.
const LINES: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{msg} [{bar:30}] {human_pos}/{human_len}  {per_sec}  ETA {eta}";

/// The progress of something, on standard error: a bar on a terminal, else a
/// line now and then. With JSON wanted nothing is shown.
pub struct Progress {
    form: Form,
    what: &'static str,
    total: u64,
    done: u64,
    /// What was done before this run.
    before: u64,
    begun: Instant,
}

enum Form {
    None,
    Bar(ProgressBar),
    /// Lines, and when the last one was written.
    Lines(Instant),
}

impl Progress {
    /// Begins at `done` of `total`.
    pub fn begin(output: Output, what: &'static str, done: u64, total: u64) -> Self {
        let begun = Instant::now();
        let form = match (output.json, std::io::stderr().is_terminal()) {
            (true, _) => Form::None,
            (false, true) => Form::Bar(bar(what, done, total)),
            (false, false) => Form::Lines(begun),
        };
        Self { form, what, total, done, before: done, begun }
    }

    /// So much is done now, of so much.
    pub fn at(&mut self, done: u64, total: u64) {
        (self.done, self.total) = (done, total);
        match &mut self.form {
            Form::None => {}
            Form::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            Form::Lines(told) if told.elapsed() < LINES => {}
            Form::Lines(told) => {
                *told = Instant::now();
                self.tell();
            }
        }
    }

    /// Writes a line beside the progress.
    pub fn note(&self, line: &str) {
        match &self.form {
            Form::None => {}
            Form::Bar(bar) => bar.println(line),
            Form::Lines(_) => write_line(line),
        }
    }

    /// Ends it where it is, with a last line.
    pub fn end(self) {
        match &self.form {
            Form::None => {}
            Form::Bar(bar) => bar.abandon(),
            Form::Lines(_) => self.tell(),
        }
    }

    /// Things done a second in this run.
    pub fn rate(&self) -> u64 {
        let micros = self.begun.elapsed().as_micros().max(1);
        let done = u128::from(self.done.saturating_sub(self.before));
        u64::try_from(done * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    fn tell(&self) {
        let (done, total, rate) = (HumanCount(self.done), HumanCount(self.total), self.rate());
        let mut line = format!("{}: {done} of {total}, {} a second", self.what, HumanCount(rate));
        let left = self.total.saturating_sub(self.done).checked_div(rate);
        if let Some(seconds) = left.filter(|seconds| *seconds > 0) {
            line += &format!(", {} left", HumanDuration(Duration::from_secs(seconds)));
        }
        write_line(&line);
    }
}

fn bar(what: &'static str, done: u64, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    // The template is ours and has no fault; a bar without it is still a bar.
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = bar.with_style(style.progress_chars("=> ")).with_message(what).with_position(done);
    bar.reset_eta();
    bar
}

fn write_line(line: &str) {
    // Nobody reads any more: no failure of ours.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether SIGINT came. The first one asks for an end in order, a second one
/// ends the program at once: whatever is interruptible can be resumed anyway.
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches from now on.
    pub fn watch() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        flag::register_conditional_shutdown(SIGINT, i32::from(INTERRUPTED), Arc::clone(&asked))?;
        flag::register(SIGINT, Arc::clone(&asked))?;
        Ok(Self(asked))
    }

    /// Whether an end in order is asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
