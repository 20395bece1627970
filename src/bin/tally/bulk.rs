//! `tally provision --file`: many cards from a file, resumable.
//!
//! Every card carries an idempotency key made from its file and line, and the
//! file of tokens is the record of what is done. So the same command goes on
//! wherever the one before was ended, by whatever: cards that were under way are
//! asked again and get the tokens that they got.

mod crew;
mod handful;
mod job;
mod record;
mod source;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tallystick::cards::{Item, Reject};
use tallystick::secmem::harden;

use crate::arguments::Provision;
use crate::ask::connect;
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};
use crew::Crew;
use handful::Done;
use job::Job;
use record::Record;
use source::{Source, Survey, template};

/// Cards of a handful.
const HANDFUL: usize = 256;
/// Rejected lines that are listed as they are met; all are in the record.
const LISTED: u64 = 20;
/// How long the daemon remembers idempotency keys at the least.
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// Saves the cards of a file. Fails if any line was rejected.
pub fn run(arguments: &Provision, file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    let interrupt = Interrupt::watch()?;
    let dir = &arguments.card.at.dir;
    let template = template(arguments)?;
    let survey = Source::survey(file, &template)?;
    let job = Arc::new(Job::new(&mut connect(dir)?, &survey.digest, &template)?);
    let out = arguments.bulk.out.clone().unwrap_or_else(|| beside(file));
    let record = Record::open(&out, &job)?;
    let mut run = Run::begin(*output, record, &survey);
    if run.is_late() && !arguments.bulk.late {
        return Err(Failure::new(format!(
            "{} was last written a day or more ago, and the daemon may have forgotten the cards that were under \
             way then: each of them would get a second token. Say --late to go on",
            out.display()
        )));
    }
    run.record.begin()?;
    let crew = Crew::connect(dir, arguments.bulk.connections, &job)?;
    let mut source = Source::open(file, &template, run.record.begins_after)?;
    let ended = run.work(crew, &mut source, &interrupt);
    run.record.sync()?;
    if let Err(failure) = ended {
        return Err(run.ended(failure));
    }
    if source.digest() != survey.digest {
        return Err(Failure::new(format!("{} was changed while it was read", file.display())));
    }
    run.report(&out)
}

/// The file of tokens, if none is named.
fn beside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".tokens.csv");
    PathBuf::from(name)
}

/// The next cards; none at the end.
fn handful_of(source: &mut Source<'_>) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::with_capacity(HANDFUL);
    while items.len() < HANDFUL {
        match source.next()? {
            Some(item) => items.push(item),
            None => break,
        }
    }
    Ok(items)
}

/// A run through a file.
struct Run {
    output: Output,
    record: Record,
    progress: Progress,
    /// Cards in the file.
    cards: u64,
    /// Rejected lines listed so far.
    listed: u64,
}

impl Run {
    fn begin(output: Output, record: Record, survey: &Survey) -> Self {
        let (done, cards) = (record.saved + record.rejected, survey.cards);
        let progress = Progress::begin(output, "saving cards", done, cards);
        Self { output, record, progress, cards, listed: 0 }
    }

    fn done(&self) -> u64 {
        self.record.saved + self.record.rejected
    }

    /// Whether cards may have been under way so long ago that they are forgotten.
    fn is_late(&self) -> bool {
        self.done() < self.cards && self.record.age() >= REMEMBERED
    }

    /// Gives handfuls out and takes them back in order, to the end of the file or
    /// to what ends it before. What is under way at an interruption is finished.
    fn work(
        &mut self,
        mut crew: Crew,
        source: &mut Source<'_>,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let mut more = true;
        loop {
            while more && crew.has_room() && !interrupt.is_asked() {
                let items = handful_of(source)?;
                more = !items.is_empty();
                if more {
                    crew.give(items)?;
                }
            }
            match crew.take()? {
                Some(done) => self.take(done)?,
                None if more => return Err(Failure::interrupted("interrupted")),
                None => return Ok(()),
            }
        }
    }

    fn take(&mut self, done: Done) -> Result<(), Failure> {
        self.record.append(&done.rows)?;
        self.record.saved += done.saved;
        for (line, reject) in &done.rejected {
            self.list(*line, reject);
            self.record.rejected += 1;
        }
        self.progress.at(self.done(), self.cards);
        done.end.map_or(Ok(()), Err)
    }

    fn list(&mut self, line: u64, reject: &Reject) {
        if self.listed < LISTED {
            let Reject { status, says } = reject;
            if self.output.json {
                self.output.item(|| json!({"line": line, "status": status, "error": says}), || None);
            } else {
                self.progress.note(&format!("line {line}: {says} [{status}]"));
            }
        } else if self.listed == LISTED {
            self.progress.note("further rejected lines are listed in the file of tokens only");
        }
        self.listed += 1;
    }

    /// Why it ended before its end, and how it goes on.
    fn ended(self, failure: Failure) -> Failure {
        let (done, cards) = (self.done(), self.cards);
        self.progress.end();
        failure.reworded(|says| {
            format!(
                "{says}; {done} of {cards} cards are done, and the same command again goes on behind them"
            )
        })
    }

    fn report(self, out: &Path) -> Result<(), Failure> {
        let rate = self.progress.rate();
        let Self { output, record: Record { saved, rejected, .. }, progress, cards, .. } = self;
        progress.end();
        let fine = rejected == 0;
        output.item(
            || {
                json!({
                    "ok": fine, "cards": cards, "saved": saved, "rejected": rejected, "tokens": out,
                    "per_second": rate,
                })
            },
            || {
                Some(format!(
                    "saved          {saved} of {cards} cards\n\
                     rejected       {rejected}\n\
                     tokens         {}",
                    out.display()
                ))
            },
        );
        if fine { Ok(()) } else { Err(Failure::silent()) }
    }
}
