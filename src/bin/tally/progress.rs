//! Long work: how far it has come, and how it is interrupted.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::output::{Failure, INTERRUPTED, Output};

/// How often a line is written where no bar can be drawn.
const LINES: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{msg} [{bar:30}] {human_pos}/{human_len}, {pace}";

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
        rate(self.done.saturating_sub(self.before), self.begun.elapsed())
    }

    fn tell(&self) {
        let (done, total) = (HumanCount(self.done), HumanCount(self.total));
        let left = self.total.saturating_sub(self.done);
        write_line(&format!("{}: {done} of {total}, {}", self.what, pace(self.rate(), left)));
    }
}

fn bar(what: &'static str, before: u64, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let paced = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let rate = rate(state.pos().saturating_sub(before), state.elapsed());
        let left = state.len().unwrap_or(0).saturating_sub(state.pos());
        // A bar that lacks its pace is still a bar.
        let _ = out.write_str(&pace(rate, left));
    };
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("pace", paced).progress_chars("=> ");
    bar.with_style(style).with_message(what).with_position(before)
}

/// Things a second.
fn rate(done: u64, elapsed: Duration) -> u64 {
    u64::try_from(u128::from(done) * 1_000_000 / elapsed.as_micros().max(1)).unwrap_or(u64::MAX)
}

/// A rate, and how long what is left takes at it.
fn pace(rate: u64, left: u64) -> String {
    let seconds = left.checked_div(rate).filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let left = seconds.map(|seconds| format!(", {} left", HumanDuration(seconds))).unwrap_or_default();
    format!("{} a second{left}", HumanCount(rate))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_what_is_left() {
        assert_eq!(rate(50_000, Duration::from_secs(2)), 25_000);
        assert_eq!((rate(7, Duration::ZERO), rate(0, Duration::ZERO)), (7_000_000, 0));
        assert_eq!(rate(u64::MAX, Duration::ZERO), u64::MAX);
        assert_eq!(pace(25_000, 1_000_000), "25,000 a second, 40 seconds left");
        assert_eq!((pace(25_000, 24_999).as_str(), pace(0, 5).as_str()), ("25,000 a second", "0 a second"));
    }
}
