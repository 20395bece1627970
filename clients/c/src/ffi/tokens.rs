//! Saving cards, and what becomes of their tokens.

use std::ffi::c_char;
use std::ptr;

use tallystick::client::ClientError;
use tallystick::command::{Command, List, Renew};
use tallystick::types::StatusEvent;
use tallystick::wire::Status;

use super::given::{key, place, text, text_or_null};
use super::{tally_client, with};
use crate::code::{self, Code, TALLY_ARGUMENT};
use crate::layout::{tally_key, tally_provision_request, tally_token};
use crate::parse::{self, Saving};

/// Saves a card and makes a token for it.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_provision(
    client: *const tally_client,
    request: *const tally_provision_request,
    token: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (given, out) = (request.as_ref().ok_or(TALLY_ARGUMENT)?, place(token)?);
            let clear = text_or_null(given.pan)?.zip(text_or_null(given.expiry)?);
            let handle = given.handle.cast::<[u8; 16]>().as_ref().copied();
            let saving = Saving {
                trid: text(given.trid)?,
                provider: text(given.authentication_provider)?,
                reference: text(given.authentication_reference)?,
                number: text_or_null(given.authentication_reference_number)?,
                par: text_or_null(given.par)?,
                merchant: text_or_null(given.merchant)?,
                channels: given.channels,
                demands: given.demands,
            };
            let key = key(&raw const given.key)?;
            if given.consent != 1 {
                return Err(code::of_status(Status::ConsentMissing));
            }
            let asked = saving.of(parse::card(clear, handle)?)?;
            let view = state.session.ask(&mut state.said, |client| client.provision(asked, key))?;
            out.write(tally_token::from(&view));
            Ok(())
        })
    }
}

/// What answers with a token.
///
/// # Safety
/// As all functions want it.
unsafe fn of_token<'a>(
    client: *const tally_client,
    idempotency: *const tally_key,
    out: *mut tally_token,
    command: impl FnOnce() -> Result<Command<'a>, Code>,
) -> Code {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, key, command) = (place(out)?, key(idempotency)?, command()?);
            let view = state.session.ask(&mut state.said, |client| client.token(&command, key))?;
            out.write(tally_token::from(&view));
            Ok(())
        })
    }
}

/// Shows a token.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_show(
    client: *const tally_client,
    token: *const c_char,
    out: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe { of_token(client, ptr::null(), out, || Ok(Command::Show(parse::token(text(token)?)?))) }
}

/// A page of a requestor's tokens, in the order in which they were made. `after` is null at the
/// beginning, then what `next` was. `tokens` has room for `room`, 1 to 100; `count` gets how
/// many there are, `next` where to go on, or 0 after the last page.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_list(
    client: *const tally_client,
    trid: *const c_char,
    after: *const u32,
    tokens: *mut tally_token,
    room: u8,
    count: *mut usize,
    next: *mut u32,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (count, next) = (place(count)?, place(next)?);
            if tokens.is_null() {
                return Err(TALLY_ARGUMENT);
            }
            let list = List { trid: parse::trid(text(trid)?)?, after: after.as_ref().copied(), limit: room };
            let page = state.session.ask(&mut state.said, |client| client.list(list))?;
            if page.tokens.len() > usize::from(room) {
                return Err(code::of_error(&ClientError::Protocol("more tokens than asked for")));
            }
            for (at, view) in page.tokens.iter().enumerate() {
                tokens.add(at).write(tally_token::from(view));
            }
            count.write(page.tokens.len());
            next.write(page.next.unwrap_or(0));
            Ok(())
        })
    }
}

/// Suspends a token: at `provider`, or at all if that is null.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_suspend(
    client: *const tally_client,
    token: *const c_char,
    provider: *const c_char,
    key: *const tally_key,
    out: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe { change(client, token, provider, key, out, || Ok(StatusEvent::Suspend)) }
}

/// Resumes a suspended token, or makes an initiated one active.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_resume(
    client: *const tally_client,
    token: *const c_char,
    provider: *const c_char,
    key: *const tally_key,
    out: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe { change(client, token, provider, key, out, || Ok(StatusEvent::Resume)) }
}

/// Deactivates a token for good; `reason` is `expired`, `deactivated_by_bank` or `requested`.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_deactivate(
    client: *const tally_client,
    token: *const c_char,
    reason: *const c_char,
    provider: *const c_char,
    key: *const tally_key,
    out: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe { change(client, token, provider, key, out, || parse::reason(text(reason)?)) }
}

/// # Safety
/// As all functions want it.
unsafe fn change(
    client: *const tally_client,
    token: *const c_char,
    provider: *const c_char,
    key: *const tally_key,
    out: *mut tally_token,
    event: impl FnOnce() -> Result<StatusEvent, Code>,
) -> Code {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        of_token(client, key, out, || {
            let changed = parse::change(text(token)?, text_or_null(provider)?, event()?)?;
            Ok(Command::ChangeStatus(changed))
        })
    }
}

/// Gives a token and its card a new expiry, YYMM.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_renew(
    client: *const tally_client,
    token: *const c_char,
    expiry: *const c_char,
    key: *const tally_key,
    out: *mut tally_token,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        of_token(client, key, out, || {
            let (token, expiry) = (parse::token(text(token)?)?, parse::expiry(text(expiry)?)?);
            Ok(Command::Renew(Renew { token, expiry }))
        })
    }
}
