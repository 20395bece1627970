//! `tally`: sets up keys, talks to the daemon, shows it off and measures it.

mod arguments;
mod ask;
mod audit;
mod backup;
mod bench;
mod bulk;
mod cards;
mod control;
mod cvv;
mod daemon;
mod demo;
#[cfg(feature = "vault")]
mod dev;
mod device;
mod emv;
mod init;
mod kat;
mod keyblock;
mod keys_at_rest;
#[cfg(feature = "vault")]
mod merchant;
#[cfg(feature = "postgres")]
mod migrate;
mod output;
mod passphrase;
mod pay;
#[cfg(feature = "postgres")]
mod postgres;
mod progress;
mod reseal;
mod restore;
mod rotate;
mod secret_text;
mod shares;
mod show;
mod status;
mod tokens;
mod unseal;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Task};
use output::{Failure, Output};

fn main() -> ExitCode {
    // Started under the daemon's name, this program is the daemon: that is how the
    // demo and the bench start theirs, of the same build as themselves. The bench
    // starts its echo in the same way.
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    match name.as_deref().and_then(|name| Path::new(name).file_name()).and_then(OsStr::to_str) {
        Some("tallyd") => return tallystick::daemon::main(arguments),
        Some(bench::ECHO) => return bench::echo(arguments),
        _ => {}
    }
    let Arguments { task, json } = Arguments::parse();
    let output = Output { json };
    match run(task, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(task: Task, output: &Output) -> Result<(), Failure> {
    match task {
        Task::Init { dir, passphrase_file } => init::run(&dir.dir, &passphrase_file, output),
        Task::Demo => demo::run(output),
        #[cfg(feature = "vault")]
        Task::Dev(dev) => dev::run(&dev, output),
        #[cfg(feature = "vault")]
        Task::Merchant { task } => merchant::run(&task, output),
        Task::Provision(provision) => match &provision.bulk.file {
            Some(file) => bulk::run(&provision, file, output),
            None => cards::provision(&provision, output),
        },
        Task::Passphrase(arguments) => passphrase::run(&arguments, output),
        Task::Device(arguments) => device::run(&arguments, output),
        Task::Shares { task } => shares::run(&task, output),
        Task::Unseal(arguments) => unseal::unseal(&arguments, output),
        Task::Seal { at } => unseal::seal(&at, output),
        Task::Propose { what } => control::propose(&what, output),
        Task::Approve(one) => control::approve(&one, output),
        Task::Withdraw(one) => control::withdraw(&one, output),
        Task::Proposals { at } => control::list(&at, output),
        Task::Destroy(one) => control::destroy(&one, output),
        Task::ImportKey(one) => control::import_key(&one, output),
        Task::GiveComponent(given) => control::component(&given, output),
        Task::Emv { task } => emv::run(&task, output),
        Task::Cvv { task } => cvv::run(&task, output),
        Task::DetokenizeAll(arguments) => control::detokenize_all(&arguments, output),
        Task::Rotate { dir, opener, purpose } => rotate::run(&dir.dir, &opener, purpose, output),
        Task::Restore(arguments) => restore::run(&arguments, output),
        Task::Reseal { at } => reseal::run(&at, output),
        Task::Issue(issue) => pay::issue(&issue, output),
        Task::Verify(verify) => pay::verify(&verify, output),
        Task::Token { task } => tokens::run(&task, output),
        Task::Par(card) => cards::par(&card, output),
        Task::Fingerprint(card) => cards::fingerprint(&card, output),
        Task::Status { at, metrics } => status::run(&at, metrics, output),
        Task::Backup { task } => backup::run(&task, output),
        #[cfg(feature = "postgres")]
        Task::Migrate { task } => migrate::run(&task, output),
        #[cfg(feature = "postgres")]
        Task::Postgres { task } => postgres::run(&task, output),
        Task::Audit { task } => audit::run(&task, output),
        Task::Keyblock { task } => keyblock::run(&task, output),
        Task::Kat { file } => kat::run(&file, output),
        Task::Bench(bench) => bench::run(&bench, output),
    }
}
