//! Cryptograms.

use tallystick::command::{Issue, Verify};
use tallystick::types::IdempotencyKey;

use super::given::{key, many, payment, place, text};
use super::{tally_client, with};
use crate::code::{self, Code, TALLY_ARGUMENT, TALLY_OK};
use crate::layout::{tally_issue_request, tally_issued, tally_verify_request};
use crate::parse;

/// Most items of a batch.
const MOST_ITEMS: usize = 1024;

/// Issues a cryptogram.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_issue(
    client: *const tally_client,
    request: *const tally_issue_request,
    issued: *mut tally_issued,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (given, out) = (request.as_ref().ok_or(TALLY_ARGUMENT)?, place(issued)?);
            let (asked, key) = issue_of(given)?;
            let answer = state.session.ask(&mut state.said, |client| client.issue(asked, key))?;
            out.write(tally_issued::from(&answer));
            Ok(())
        })
    }
}

type Keyed<'a, T> = (T, Option<IdempotencyKey<'a>>);

/// # Safety
/// As all functions want it.
unsafe fn issue_of<'a>(given: &tally_issue_request) -> Result<Keyed<'a, Issue<'a>>, Code> {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        let payment = payment(&given.transaction)?;
        Ok((parse::issue(text(given.token)?, text(given.trid)?, payment)?, key(&raw const given.key)?))
    }
}

/// # Safety
/// As all functions want it.
unsafe fn verify_of<'a>(given: &tally_verify_request) -> Result<Keyed<'a, Verify<'a>>, Code> {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        let texts = [text(given.token)?, text(given.trid)?, text(given.expiry)?];
        let payment = payment(&given.transaction)?;
        Ok((parse::verify(texts, &given.cryptogram, payment)?, key(&raw const given.key)?))
    }
}

/// Verifies a cryptogram and consumes it: it is accepted once. `atc` gets the counter.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_verify(
    client: *const tally_client,
    request: *const tally_verify_request,
    atc: *mut u32,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (given, out) = (request.as_ref().ok_or(TALLY_ARGUMENT)?, place(atc)?);
            let (asked, key) = verify_of(given)?;
            let answer = state.session.ask(&mut state.said, |client| client.verify(asked, key))?;
            out.write(answer.atc.get());
            Ok(())
        })
    }
}

/// Issues 1 to 1,024 cryptograms in one frame. Each item has its own code in `codes`; where
/// that is 0, `issued` has its cryptogram, elsewhere zeros. If an item is malformed, that is
/// returned and nothing is sent.
///
/// # Safety
/// As all functions want it; all three have `count` places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_issue_batch(
    client: *const tally_client,
    requests: *const tally_issue_request,
    count: usize,
    issued: *mut tally_issued,
    codes: *mut i32,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            if !(1..=MOST_ITEMS).contains(&count) || issued.is_null() || codes.is_null() {
                return Err(TALLY_ARGUMENT);
            }
            let items: Vec<_> =
                many(requests, count)?.iter().map(|given| issue_of(given)).collect::<Result<_, _>>()?;
            let answers = state.session.ask(&mut state.said, |client| client.issue_batch(&items))?;
            for (at, answer) in answers.iter().enumerate().take(count) {
                let nothing = tally_issued { cryptogram: [0; 20], expiry: [0; 5] };
                issued.add(at).write(answer.as_ref().map_or(nothing, tally_issued::from));
                codes
                    .add(at)
                    .write(answer.as_ref().map_or_else(|status| code::of_status(*status), |_| TALLY_OK));
            }
            Ok(())
        })
    }
}

/// Verifies 1 to 1,024 cryptograms in one frame, as `tally_issue_batch` issues; where a code is
/// 0, `atcs` has the counter that was consumed, elsewhere 0.
///
/// # Safety
/// As all functions want it; all three have `count` places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_verify_batch(
    client: *const tally_client,
    requests: *const tally_verify_request,
    count: usize,
    atcs: *mut u32,
    codes: *mut i32,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            if !(1..=MOST_ITEMS).contains(&count) || atcs.is_null() || codes.is_null() {
                return Err(TALLY_ARGUMENT);
            }
            let items: Vec<_> =
                many(requests, count)?.iter().map(|given| verify_of(given)).collect::<Result<_, _>>()?;
            let answers = state.session.ask(&mut state.said, |client| client.verify_batch(&items))?;
            for (at, answer) in answers.iter().enumerate().take(count) {
                atcs.add(at).write(answer.as_ref().map_or(0, |verified| verified.atc.get()));
                codes
                    .add(at)
                    .write(answer.as_ref().map_or_else(|status| code::of_status(*status), |_| TALLY_OK));
            }
            Ok(())
        })
    }
}
