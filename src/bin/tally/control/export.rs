//! `tally detokenize-all`: every PAN into a file, once another admin has approved.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde_json::json;
use tallystick::wire::{Control, ControlReply, Export};

use super::{digest, other};
use crate::arguments::DetokenizeAll;
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Tokens of a step: what waits at the engine meanwhile waits shortly.
const STEP: u8 = 100;

/// Reads page after page into the file. Interrupted, what was written stays, and
/// nothing is read twice: all of them takes another proposal.
pub fn run(arguments: &DetokenizeAll, output: &Output) -> Result<(), Failure> {
    let (one, path) = (&arguments.proposal, &arguments.out);
    let digest = digest(&one.digest)?;
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    // The first page begins what can be begun once.
    if fs::exists(path).map_err(told)? {
        return Err(told(ErrorKind::AlreadyExists.into()));
    }
    let interrupt = Interrupt::watch()?;
    let mut client = connect_admin(&one.at.dir)?;
    let mut page = |after| {
        let asked = Control::DetokenizeAll { digest, after, limit: STEP };
        match client.control(&asked).map_err(|error| refused(&error))? {
            ControlReply::Export(export) => Ok(export),
            _ => Err(other()),
        }
    };
    // Before the file: without an approval none is made.
    let mut export = page(None)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(told)?;
    let mut file = BufWriter::new(file);
    writeln!(file, "token,pan,expiry").map_err(told)?;
    let mut progress = Progress::begin(*output, "reading PANs", 0, export.tokens.into());
    let (mut cards, mut left_out) = (0, 0);
    loop {
        write(&mut file, &export).map_err(told)?;
        cards += export.cards.len();
        left_out += export.left_out;
        let Some(next) = export.next else { break };
        progress.at(u64::from(next) + 1, export.tokens.into());
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted(format!("interrupted after {cards} cards")));
        }
        export = page(Some(next))?;
    }
    progress.end();
    file.into_inner().map_err(|error| told(error.into_error()))?.sync_all().map_err(told)?;
    output.item(
        || json!({"ok": left_out == 0, "cards": cards, "left_out": left_out, "out": path}),
        || Some(format!("{cards} PANs in clear in {}; {left_out} could not be opened", path.display())),
    );
    if left_out == 0 { Ok(()) } else { Err(Failure::silent()) }
}

fn write(file: &mut BufWriter<File>, export: &Export) -> std::io::Result<()> {
    for (token, pan, expiry) in &export.cards {
        write!(file, "{token},")?;
        file.write_all(pan.expose_digits())?;
        writeln!(file, ",{expiry}")?;
    }
    // What is buffered are PANs, and no more than a page of them.
    file.flush()
}
