//! What the process and each of its threads may still ask of the kernel.
//!
//! Landlock leaves the process the files of its directories and no network. A
//! seccomp filter leaves each thread the system calls of its role, and any other
//! kills the process: [`Role::calls`] has them, each with its reason. A thread
//! [`enter`]s its role before it does anything else; one that it starts later has
//! both filters.

mod calls;
mod files;
mod filter;
mod role;

use std::path::Path;
use std::sync::OnceLock;

use thiserror::Error;

use super::config::{Config, StoreConfig};
use crate::secmem::give_up_capabilities;
use filter::Filters;

pub use calls::{Call, Only};
pub use role::Role;

/// Why the daemon cannot be confined.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A filter cannot be made or is not accepted.
    #[error("a seccomp filter: {0}")]
    Filter(#[from] seccompiler::Error),
    /// The files cannot be restricted.
    #[error("landlock: {0}")]
    Files(#[from] landlock::RulesetError),
    /// A directory that is to be allowed cannot be opened.
    #[error("landlock: {0}")]
    Directory(#[from] landlock::PathFdError),
}

/// What [`enter`] puts on. None before [`ready`], and so in tests of the library.
static FILTERS: OnceLock<Filters> = OnceLock::new();
/// How the process is confined, in words.
static TOLD: OnceLock<String> = OnceLock::new();

/// Readies the filters that [`enter`] puts on; from here on every thread enters one.
///
/// # Errors
/// [`SandboxError::Filter`].
pub fn ready(config: &Config) -> Result<(), SandboxError> {
    // There is one daemon in a process; a second would find the first's.
    let is_shared = !matches!(config.store, StoreConfig::Sqlite);
    let _ = FILTERS.set(Filters::new(config.sandbox_enforced, is_shared)?);
    Ok(())
}

/// Restricts the files of the calling thread and of those it starts. Says loudly what
/// is not in force.
///
/// # Errors
/// [`SandboxError`].
pub fn restrict_files(config: &Config, dir: &Path) -> Result<(), SandboxError> {
    let told = if config.sandbox_enforced {
        let files = files::restrict(config, dir)?;
        if let Some(lacking) = files.lacking {
            tracing::warn!("{lacking}: the daemon's files are restricted by their permissions only");
        }
        format!("seccomp, {}", files.told)
    } else {
        tracing::warn!(
            "sandbox.enforce is false: forbidden system calls are logged by the kernel, not stopped"
        );
        "not enforced".to_owned()
    };
    let _ = TOLD.set(told);
    Ok(())
}

/// How the process is confined, in words.
#[must_use]
pub fn told() -> &'static str {
    TOLD.get().map_or("none", String::as_str)
}

/// Leaves the calling thread what its role needs, for good. A thread that cannot
/// be confined ends the process.
pub fn enter(role: Role) {
    let Some(filters) = FILTERS.get() else { return };
    if role.is_first_of_its_kind()
        && let Err(error) = give_up_capabilities(role.capabilities())
    {
        end(role, &error);
    }
    if let Err(error) = filters.put_on(role) {
        end(role, &error);
    }
}

fn end(role: Role, error: &dyn std::error::Error) -> ! {
    tracing::error!(%error, "the {role} thread cannot be confined");
    std::process::exit(1)
}
