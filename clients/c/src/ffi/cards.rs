//! Cards: what is asked of a PAN, and cards that are held.

use std::ffi::c_char;

use tallystick::command::{HoldCard, LinkPar};
use tallystick::types::{CardHandle, HoldSeconds};
use tallystick::wire::Status;

use super::given::{key, place, text};
use super::{tally_client, with};
use crate::code::{self, TALLY_ARGUMENT};
use crate::layout::{tally_card, tally_key, text as text_of};
use crate::parse;

/// Reads a token's card. Wipe it with `tally_wipe`.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_detokenize(
    client: *const tally_client,
    token: *const c_char,
    card: *mut tally_card,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, token) = (place(card)?, parse::token(text(token)?)?);
            let read = state.session.ask(&mut state.said, |client| client.detokenize(token))?;
            let out = out.write(tally_card { pan: [0; 20], expiry: text_of(&read.expiry.digits()) });
            // In its place at once: no other copy is made.
            for (to, from) in out.pan.iter_mut().zip(read.pan.expose_digits()) {
                *to = c_char::from_ne_bytes([*from]);
            }
            Ok(())
        })
    }
}

/// The PAR of a PAN; `par` has room for 65 bytes.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_par(client: *const tally_client, pan: *const c_char, par: *mut c_char) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, pan) = (place(par.cast::<[c_char; 65]>())?, parse::pan(text(pan)?)?);
            let par = state.session.ask(&mut state.said, |client| client.par(pan))?;
            out.write(text_of(par.as_str().as_bytes()));
            Ok(())
        })
    }
}

/// The fingerprint of a PAN; `fingerprint` has room for 32 bytes.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_fingerprint(
    client: *const tally_client,
    pan: *const c_char,
    fingerprint: *mut u8,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, pan) = (place(fingerprint.cast::<[u8; 32]>())?, parse::pan(text(pan)?)?);
            let found = state.session.ask(&mut state.said, |client| client.fingerprint(pan))?;
            out.write(*found.as_bytes());
            Ok(())
        })
    }
}

/// Has a reissued card keep the PAR of its predecessor, a token; `par` has room for 65 bytes.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_link_par(
    client: *const tally_client,
    pan: *const c_char,
    predecessor: *const c_char,
    idempotency: *const tally_key,
    par: *mut c_char,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, key) = (place(par.cast::<[c_char; 65]>())?, key(idempotency)?);
            let link =
                LinkPar { pan: parse::pan(text(pan)?)?, predecessor: parse::token(text(predecessor)?)? };
            let par = state.session.ask(&mut state.said, |client| client.link_par(link, key))?;
            out.write(text_of(par.as_str().as_bytes()));
            Ok(())
        })
    }
}

/// Hands a card in before it may be saved, for 1 to 3,600 seconds; `handle` has room for 16
/// bytes, which `tally_provision` takes.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_hold_card(
    client: *const tally_client,
    pan: *const c_char,
    expiry: *const c_char,
    seconds: u32,
    handle: *mut u8,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let out = place(handle.cast::<[u8; 16]>())?;
            let seconds = HoldSeconds::new(seconds).ok_or(code::of_status(Status::SecondsMalformed))?;
            let (pan, expiry) = (parse::pan(text(pan)?)?, parse::expiry(text(expiry)?)?);
            let asked = HoldCard { pan, expiry, seconds };
            let held = state.session.ask(&mut state.said, |client| client.hold_card(asked))?;
            out.write(*held.handle.as_bytes());
            Ok(())
        })
    }
}

/// Has a held card forgotten.
///
/// # Safety
/// As all functions want it; `handle` has 16 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_release_card(client: *const tally_client, handle: *const u8) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let bytes = handle.cast::<[u8; 16]>().as_ref().ok_or(TALLY_ARGUMENT)?;
            let handle = CardHandle::from_bytes(*bytes);
            state.session.ask(&mut state.said, |client| client.release_card(handle))
        })
    }
}
