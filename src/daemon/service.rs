//! What a service manager is told (`sd_notify(3)`): that the daemon serves, that
//! it still does, and that it stops. Without a manager nobody is told anything.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sd_notify::NotifyState;

use super::Hall;
use crate::store::GroupNumber;

/// Says that everything is loaded and connections are accepted, and from then on,
/// if the manager wants it, that work is done.
///
/// # Errors
/// The system's, if it gives no thread.
pub(super) fn serving(hall: &Arc<Hall>) -> std::io::Result<()> {
    tell(&[NotifyState::Ready]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        let hall = Arc::downgrade(hall);
        let thread = std::thread::Builder::new().name("watchdog".to_owned());
        // Half of it, as sd_watchdog_enabled(3) says.
        thread.spawn(move || keep_telling(&hall, limit / 2))?;
    }
    Ok(())
}

/// Says that the daemon is on its way out.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the daemon lives for as long as its engine decides and its committer
/// commits. One that hangs is not reported, and the manager starts another.
fn keep_telling(hall: &Weak<Hall>, pause: Duration) {
    let mut owed = GroupNumber(0);
    loop {
        {
            let Some(hall) = hall.upgrade() else { return };
            // Waits for the engine's lock: if that is never free, nothing is told any more.
            let Ok(newest) = hall.decide(|engine| engine.horizon()) else { return };
            // What was to be committed at the last look must be by now.
            if hall.durable().is_ok_and(|durable| durable >= owed) {
                tell(&[NotifyState::Watchdog]);
                owed = newest;
            }
        }
        std::thread::sleep(pause);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
