//! A server whose part is played by somebody else's bytes, as fuzzing has it.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::super::{ChainHead, Epoch, Follow, Group, GroupNumber, Load, Page, StoreError};
use super::fault::Fault;
use super::session::Session;
use super::wire::Wire;
use super::{carried, load, turn};

/// Logs in, loads what is stored and has a turn, with a server that says this whatever it is
/// asked. What a socket does not hold at once is not said.
///
/// # Errors
/// Those of a store whose server says such things.
pub(crate) fn play(said: &[u8], store: &mut dyn Load, others: &mut dyn Follow) -> Result<(), StoreError> {
    let (near, far) = UnixStream::pair().map_err(Fault::from)?;
    far.set_nonblocking(true).and_then(|()| (&far).write(said)).map_err(Fault::from)?;
    far.shutdown(Shutdown::Write).map_err(Fault::from)?;
    let mut session = Session::of(Wire::over(near)?);
    let found = load::begin(&mut session, false)?;
    load::load(&mut session, found, store)?;
    load::end(&mut session, false)?;
    let mut seen = ChainHead::START;
    turn::ask(&mut session, "n", seen.number)?;
    session.send()?;
    let found = turn::found(&mut session)?;
    Ok(turn::follow(&mut session, &found, &mut seen, others)?)
}

/// Whether what a group carried is refused, or written again as the same bytes.
pub(crate) fn comes_back(run: &[u8]) -> bool {
    let mut group = Group {
        number: GroupNumber(1),
        epoch: Epoch(1),
        before: [0; 32],
        body: Vec::new(),
        mac: [0; 32],
        tokens: Vec::new(),
        records: Vec::new(),
        pages: Vec::new(),
        keep_from: GroupNumber(0),
    };
    let (tokens, records, pages) = (carried::tokens(run), carried::records(run), carried::pages(run));
    let read = (tokens.is_ok(), records.is_ok(), pages.is_ok());
    group.tokens = tokens.unwrap_or_default();
    group.records = records.unwrap_or_default();
    let page = |(kind, number)| Page { kind, number, body: Vec::new() };
    group.pages = pages.unwrap_or_default().into_iter().map(page).collect();
    let Ok(written) = carried::encode(&group) else { return false };
    let same = |was_read: bool, written: &[u8]| !was_read || written == run;
    same(read.0, &written.tokens) && same(read.1, &written.records) && same(read.2, &written.pages)
}
