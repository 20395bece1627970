//! `tally reseal`: every PAN under the active key, some rows at a time.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::json;
use tallystick::client::Client;
use tallystick::command::{Reseal, Resealed};
use tallystick::wire::Status;

use crate::arguments::Dir;
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Rows of a step: what waits at the engine meanwhile waits shortly.
const STEP: u8 = 100;
/// A full commit group passes; this often it is waited for.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// What a pass found.
#[derive(Default)]
struct Found {
    looked_at: u64,
    resealed: u64,
    unopened: u64,
}

/// Goes through all tokens once. It begins at the beginning each time: what is
/// under the active key already is only looked at.
pub fn run(at: &Dir, output: &Output) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    let mut client = connect_admin(&at.dir)?;
    let mut told = step(&mut client, None)?;
    let version = told.version;
    let mut found = Found::default();
    let mut progress = Progress::begin(*output, "re-sealing", 0, told.tokens.into());
    loop {
        found.add(&told);
        let Some(next) = told.next else { break };
        progress.at(u64::from(next) + 1, told.tokens.into());
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted(format!(
                "interrupted after {} tokens, {} re-sealed; the same command again goes on",
                found.looked_at, found.resealed
            )));
        }
        told = step(&mut client, Some(next))?;
        if told.version != version {
            return Err(Failure::new("the active key is another by now; run the same command again"));
        }
    }
    progress.at(told.tokens.into(), told.tokens.into());
    progress.end();
    found.report(&told, output)
}

fn step(client: &mut Client<UnixStream>, after: Option<u32>) -> Result<Resealed, Failure> {
    let mut tries = 0;
    loop {
        match client.reseal(Reseal { after, limit: STEP }, None) {
            Err(error) if error.status() == Some(Status::Busy) && tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            answer => return answer.map_err(|error| refused(&error)),
        }
    }
}

impl Found {
    fn add(&mut self, told: &Resealed) {
        self.looked_at += u64::from(told.looked_at);
        self.resealed += u64::from(told.resealed);
        self.unopened += u64::from(told.unopened);
    }

    fn report(&self, told: &Resealed, output: &Output) -> Result<(), Failure> {
        let (Self { looked_at, resealed, unopened }, version) = (self, told.version);
        let done = *unopened == 0;
        output.item(
            || {
                json!({
                    "ok": done, "version": version.get(), "looked_at": looked_at, "resealed": resealed,
                    "unopened": unopened, "tokens": told.tokens,
                })
            },
            || {
                let left = match unopened {
                    0 => "no PAN is left under another version".to_owned(),
                    _ => format!(
                        "{unopened} PANs do not open: their key is destroyed or their row was changed"
                    ),
                };
                Some(format!(
                    "looked at      {looked_at} tokens\n\
                     re-sealed      {resealed}\n\
                     active         pan-sealing version {version}; {left}"
                ))
            },
        );
        if done { Ok(()) } else { Err(Failure::silent()) }
    }
}
