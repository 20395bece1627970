//! The boundary. What all functions promise and want:
//!
//! - Pointers are valid for what they point to, or null where that is allowed; texts end with
//!   a zero byte. Nothing that is given is kept after a call.
//! - What is got is written only if 0 (TALLY_OK) is returned.
//! - No panic leaves: it is TALLY_INTERNAL.
//! - A client may be used by several threads: their calls wait for one another.
#![allow(unsafe_code)]
// As C names types.
#![allow(non_camel_case_types)]

mod cards;
mod given;
mod payments;
mod tokens;

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use secrecy::ExposeSecret;
use zeroize::Zeroize;

pub use cards::*;
pub use payments::*;
pub use tokens::*;

use crate::code::{self, Code, TALLY_ARGUMENT, TALLY_INTERNAL, TALLY_OK};
use crate::layout::tally_reply;
use crate::session::Session;
use given::{many, place, text};

/// The version of this interface. It grows when something changes for who calls it; the
/// library's name (`libtally.so.1`) has it too.
pub const TALLY_ABI_VERSION: u32 = 1;

/// A connection to the daemon; opaque.
pub struct tally_client {
    state: Mutex<State>,
}

struct State {
    session: Session,
    /// What the daemon said of its last refusal.
    said: String,
}

#[doc(hidden)]
pub type Done = Result<(), Code>;

/// No panic goes further than this.
#[doc(hidden)]
pub fn guarded(run: impl FnOnce() -> Done) -> Code {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => TALLY_OK,
        Ok(Err(code)) => code,
        Err(_) => TALLY_INTERNAL,
    }
}

/// The same with a client, which is of no more use after a panic.
///
/// # Safety
/// `client` is null or came from `tally_connect` and was not freed.
unsafe fn with(client: *const tally_client, run: impl FnOnce(&mut State) -> Done) -> Code {
    // SAFETY: the caller's promise; it is only read, and what changes is behind its lock.
    let Some(client) = (unsafe { client.as_ref() }) else { return TALLY_ARGUMENT };
    let Ok(mut state) = client.state.lock() else { return TALLY_INTERNAL };
    state.said.clear();
    match catch_unwind(AssertUnwindSafe(|| run(&mut state))) {
        Ok(Ok(())) => TALLY_OK,
        Ok(Err(code)) => code,
        Err(_) => state.session.end(),
    }
}

/// The version of this interface that the library has: compare it with TALLY_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn tally_abi_version() -> u32 {
    TALLY_ABI_VERSION
}

/// A code's name, as `replayed`; `unknown` for none that is known. It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn tally_name(code: i32) -> *const c_char {
    catch_unwind(|| code::name(code)).unwrap_or(c"unknown").as_ptr()
}

/// What a code means, in English. It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn tally_says(code: i32) -> *const c_char {
    catch_unwind(|| code::says(code)).unwrap_or(c"unknown").as_ptr()
}

/// Connects to the daemon's socket at `path`. `name` is for its log, 1 to 64 printable ASCII
/// characters. Each wait for the daemon lasts `timeout_milliseconds` at most; 0 for no limit.
/// `client` gets what `tally_free` takes.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_connect(
    path: *const c_char,
    name: *const c_char,
    timeout_milliseconds: u32,
    client: *mut *mut tally_client,
) -> i32 {
    guarded(|| {
        // SAFETY: what the caller promises of its arguments.
        let (path, name, out) = unsafe { (text(path)?, text(name)?, place(client)?) };
        let timeout = (timeout_milliseconds > 0).then(|| Duration::from_millis(timeout_milliseconds.into()));
        let session = Session::connect(Path::new(path), name, timeout)?;
        let state = Mutex::new(State { session, said: String::new() });
        out.write(Box::into_raw(Box::new(tally_client { state })));
        Ok(())
    })
}

/// Closes a client; null is nothing to close. No other thread may be using it.
///
/// # Safety
/// It is null, or came from `tally_connect` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_free(client: *mut tally_client) {
    if !client.is_null() {
        let closed = guarded(|| {
            // SAFETY: it came from a box, and the caller gives it up.
            drop(unsafe { Box::from_raw(client) });
            Ok(())
        });
        debug_assert_eq!(closed, TALLY_OK);
    }
}

/// What the daemon said of the last request of this client, if it refused that with words: cut
/// to `size` with its zero byte. Nothing of a request is in it.
///
/// # Safety
/// As all functions want it; `out` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_refusal_text(
    client: *const tally_client,
    out: *mut c_char,
    size: usize,
) -> i32 {
    // SAFETY: what the caller promises of its arguments. It asks nothing, so it clears nothing.
    let Some(client) = (unsafe { client.as_ref() }) else { return TALLY_ARGUMENT };
    guarded(|| {
        let state = client.state.lock().map_err(|_| TALLY_INTERNAL)?;
        let count = state.said.len().min(size.checked_sub(1).ok_or(TALLY_ARGUMENT)?);
        if out.is_null() {
            return Err(TALLY_ARGUMENT);
        }
        // SAFETY: there is room for `size`, which is more than `count`.
        unsafe {
            std::ptr::copy_nonoverlapping(state.said.as_ptr(), out.cast::<u8>(), count);
            out.add(count).write(0);
        }
        Ok(())
    })
}

/// There and back.
///
/// # Safety
/// As all functions want it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_ping(client: *const tally_client) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe { with(client, |state| state.session.ask(&mut state.said, |client| client.ping())) }
}

/// Any operation: `opcode` and `body` as WIRE.md has them. `reply` gets the body of the answer.
///
/// # Safety
/// As all functions want it; `body` has `length` bytes, or is null if there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_call(
    client: *const tally_client,
    opcode: u16,
    body: *const u8,
    length: usize,
    reply: *mut tally_reply,
) -> i32 {
    // SAFETY: what the caller promises of its arguments.
    unsafe {
        with(client, |state| {
            let (out, body) = (place(reply)?, many(body, length)?);
            let answer = state.session.exchange(&mut state.said, opcode, body)?;
            let bytes: Box<[u8]> = answer.expose_secret().into();
            let length = bytes.len();
            out.write(tally_reply { bytes: Box::into_raw(bytes).cast::<u8>(), length });
            Ok(())
        })
    }
}

/// Wipes and frees what `tally_call` got, and sets it to nothing. Null is nothing to free.
///
/// # Safety
/// As all functions want it; nothing of it was changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_reply_free(reply: *mut tally_reply) {
    // SAFETY: what the caller promises of its arguments.
    let Some(reply) = (unsafe { reply.as_mut() }) else { return };
    if !reply.bytes.is_null() {
        let bytes = std::ptr::slice_from_raw_parts_mut(reply.bytes, reply.length);
        // SAFETY: it came from a box of this length.
        unsafe { Box::from_raw(bytes) }.zeroize();
        (reply.bytes, reply.length) = (std::ptr::null_mut(), 0);
    }
}

/// Overwrites with zeros, in a way that no compiler leaves out.
///
/// # Safety
/// `bytes` has `length` bytes, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_wipe(bytes: *mut u8, length: usize) {
    if !bytes.is_null() && isize::try_from(length).is_ok() {
        // SAFETY: it is not null, and the caller promises the rest.
        unsafe { std::slice::from_raw_parts_mut(bytes, length) }.zeroize();
    }
}
