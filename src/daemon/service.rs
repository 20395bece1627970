//! What a service manager is told (`sd_notify(3)`): that the daemon serves, that
//! it still does, and that it stops. Without a manager nobody is told anything.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sd_notify::NotifyState;

use super::Lobby;
use super::sandbox::{self, Role};
use crate::store::GroupNumber;

/// Says that everything is loaded and connections are accepted, and from then on,
/// if the manager wants it, that work is done.
///
/// # Errors
/// The system's, if it gives no thread.
pub(super) fn serving(lobby: &Arc<Lobby>) -> std::io::Result<()> {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        let lobby = Arc::downgrade(lobby);
        let thread = std::thread::Builder::new().name("watchdog".to_owned());
        // Half of it, as sd_watchdog_enabled(3) says.
        thread.spawn(move || keep_telling(&lobby, limit / 2))?;
    }
    Ok(())
}

/// Says that everything is ready, and that another daemon is waited for.
pub(super) fn standing_by() {
    tracing::info!("standing by until the tallyd that runs ends");
    tell(&[NotifyState::Status("standing by")]);
}

/// Says that the daemon is on its way out.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the daemon lives for as long as its engine decides and its committer
/// commits, or is sealed. One that hangs is not reported, and the manager starts
/// another.
fn keep_telling(lobby: &Weak<Lobby>, pause: Duration) {
    sandbox::enter(Role::Watchdog);
    // The engine's opening, and what it is to have committed by the next look.
    let (mut epoch, mut owed) = (0, GroupNumber(0));
    while let Some(lobby) = lobby.upgrade() {
        if let Some(opened) = lobby.house.enter() {
            if epoch != opened.epoch {
                (epoch, owed) = (opened.epoch, GroupNumber(0));
            }
            // Waits for the engine's lock: if that is never free, nothing is told any more.
            let newest = opened.hall.look(|engine| engine.horizon());
            if let (Ok(newest), Ok(durable)) = (newest, opened.hall.durable())
                && durable >= owed
            {
                tell(&[NotifyState::Watchdog]);
                owed = newest;
            }
        } else {
            tell(&[NotifyState::Watchdog]);
        }
        drop(lobby);
        std::thread::sleep(pause);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
