//! Pointers, made what they stand for.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use tallystick::types::{IdempotencyKey, Transaction};

use crate::code::{Code, TALLY_ARGUMENT};
use crate::layout::{TALLY_MERCHANT, tally_key, tally_transaction};
use crate::parse;

/// A text that must be there.
///
/// # Safety
/// Null, or bytes up to a zero byte that nobody changes meanwhile.
pub unsafe fn text<'a>(given: *const c_char) -> Result<&'a str, Code> {
    // SAFETY: the caller's promise.
    unsafe { text_or_null(given) }?.ok_or(TALLY_ARGUMENT)
}

/// A text that may be null.
///
/// # Safety
/// As of [`text`].
pub unsafe fn text_or_null<'a>(given: *const c_char) -> Result<Option<&'a str>, Code> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null, and the caller promises the rest.
    let bytes = unsafe { CStr::from_ptr(given) };
    bytes.to_str().map(Some).map_err(|_| TALLY_ARGUMENT)
}

/// So many things; none of them for null if there are none.
///
/// # Safety
/// Null, or so many that nobody changes meanwhile.
pub unsafe fn many<'a, T>(given: *const T, count: usize) -> Result<&'a [T], Code> {
    if count == 0 {
        return Ok(&[]);
    }
    if given.is_null() || !given.is_aligned() || count > isize::MAX.unsigned_abs() / size_of::<T>().max(1) {
        return Err(TALLY_ARGUMENT);
    }
    // SAFETY: it is not null, aligned, and of a size that can be; the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(given, count) })
}

/// A place to write to.
///
/// # Safety
/// Null, or a place that is the caller's alone meanwhile.
pub unsafe fn place<'a, T>(given: *mut T) -> Result<&'a mut MaybeUninit<T>, Code> {
    // SAFETY: the caller's promise; whatever is there now is not read.
    unsafe { given.cast::<MaybeUninit<T>>().as_mut() }.ok_or(TALLY_ARGUMENT)
}

/// An idempotency key; none for null, or null bytes.
///
/// # Safety
/// Its bytes are null, or as many as it says.
pub unsafe fn key<'a>(given: *const tally_key) -> Result<Option<IdempotencyKey<'a>>, Code> {
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { given.as_ref() }) else { return Ok(None) };
    if given.bytes.is_null() {
        return if given.length == 0 { Ok(None) } else { Err(TALLY_ARGUMENT) };
    }
    // SAFETY: the caller's promise.
    parse::key(Some(unsafe { many(given.bytes, given.length) }?))
}

/// What is known of a payment.
///
/// # Safety
/// Its merchant is null or a text.
pub unsafe fn payment<'a>(given: &tally_transaction) -> Result<Transaction<'a>, Code> {
    let has_merchant = given.present & TALLY_MERCHANT != 0;
    // SAFETY: the caller's promise.
    let merchant = if has_merchant { Some(unsafe { text(given.merchant) }?) } else { None };
    parse::payment(given, merchant)
}
