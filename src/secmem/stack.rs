//! Wiping what work with secrets leaves on the stack and in registers.
//!
//! A primitive that is handed a reference into a [`Region`](super::Region)
//! still loads the key: into registers, and from there onto the stack, where
//! neither `Drop` nor the type system reaches. So whoever works with secrets
//! does it inside [`scrubbed`].
//!
//! Each primitive is wiped after at once, since whatever is put together later in
//! the same place may take what still lies there into the heap: moving a value
//! moves the gaps between its fields too. Each turn of a thread is wiped after once
//! more, for what lies deeper, and for PANs.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use zeroize::optimization_barrier;

/// Bytes of stack to wipe after a few MACs.
pub const MAC_STACK: usize = if cfg!(debug_assertions) { 16 * 1024 } else { 2 * 1024 };

/// Bytes of stack to wipe after a cipher, which expands its key there.
pub const CIPHER_STACK: usize = if cfg!(debug_assertions) { 32 * 1024 } else { 8 * 1024 };

/// Bytes of stack to wipe after RSA: its tables of powers are there.
pub const RSA_STACK: usize = 64 * 1024;

/// Bytes of stack to wipe after one turn of a thread: a batch of requests, a
/// group to be sealed. What a turn uses in an optimised build is a third of it.
pub const TURN_STACK: usize = if cfg!(debug_assertions) { 128 * 1024 } else { 16 * 1024 };

/// Bytes of stack to wipe after starting: SQLite and Argon2 go deeper.
pub const START_STACK: usize = 256 * 1024;

/// Between the frames of the caller and those of the work, so that nothing of
/// these lies higher than the stretch that is wiped afterwards.
const GAP: usize = 512;

/// Does `work`, then wipes the `BYTES` of stack below the caller's frame and
/// the vector registers, also when it panics. What `work` returns is not
/// wiped.
pub fn scrubbed<const BYTES: usize, T>(work: impl FnOnce() -> T) -> T {
    let _wipes = Wipe::<BYTES>;
    lower(work)
}

struct Wipe<const BYTES: usize>;

impl<const BYTES: usize> Drop for Wipe<BYTES> {
    fn drop(&mut self) {
        wipe_stack::<BYTES>();
        wipe_registers();
    }
}

/// Calls `work` from a frame that lies at least `GAP` below the caller's.
#[inline(never)]
fn lower<T>(work: impl FnOnce() -> T) -> T {
    let gap = MaybeUninit::<[u8; GAP]>::uninit();
    optimization_barrier(&gap);
    let result = apart(work);
    // Needed until here, so the call above is no jump out of this frame.
    optimization_barrier(&gap);
    result
}

#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Overwrites the stretch of stack in which the work's frames were.
#[inline(never)]
fn wipe_stack<const BYTES: usize>() {
    let mut stretch = MaybeUninit::<[u8; BYTES]>::uninit();
    // SAFETY: one array of our own, of which any bytes are a value.
    unsafe { stretch.as_mut_ptr().write_bytes(0, 1) };
    optimization_barrier(&stretch);
}

/// Clears the vector registers: ciphers and hashes keep keys there, and so does
/// a `memcpy` with what it copied. A core dump has them too.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn wipe_registers() {
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has these registers, and the compiler is told that they change.
        unsafe {
            std::arch::asm!(
                "vpxord zmm16, zmm16, zmm16",
                "vpxord zmm17, zmm17, zmm17",
                "vpxord zmm18, zmm18, zmm18",
                "vpxord zmm19, zmm19, zmm19",
                "vpxord zmm20, zmm20, zmm20",
                "vpxord zmm21, zmm21, zmm21",
                "vpxord zmm22, zmm22, zmm22",
                "vpxord zmm23, zmm23, zmm23",
                "vpxord zmm24, zmm24, zmm24",
                "vpxord zmm25, zmm25, zmm25",
                "vpxord zmm26, zmm26, zmm26",
                "vpxord zmm27, zmm27, zmm27",
                "vpxord zmm28, zmm28, zmm28",
                "vpxord zmm29, zmm29, zmm29",
                "vpxord zmm30, zmm30, zmm30",
                "vpxord zmm31, zmm31, zmm31",
                clobber_abi("C"),
                options(nomem, nostack),
            );
        }
    }
    if std::is_x86_feature_detected!("avx") {
        // SAFETY: as above, for the first sixteen, in whatever width there is.
        unsafe { std::arch::asm!("vzeroall", clobber_abi("C"), options(nomem, nostack)) };
        return;
    }
    // SAFETY: as above; every x86-64 has these.
    unsafe {
        std::arch::asm!(
            "pxor xmm0, xmm0",
            "pxor xmm1, xmm1",
            "pxor xmm2, xmm2",
            "pxor xmm3, xmm3",
            "pxor xmm4, xmm4",
            "pxor xmm5, xmm5",
            "pxor xmm6, xmm6",
            "pxor xmm7, xmm7",
            "pxor xmm8, xmm8",
            "pxor xmm9, xmm9",
            "pxor xmm10, xmm10",
            "pxor xmm11, xmm11",
            "pxor xmm12, xmm12",
            "pxor xmm13, xmm13",
            "pxor xmm14, xmm14",
            "pxor xmm15, xmm15",
            clobber_abi("C"),
            options(nomem, nostack),
        );
    }
}

/// The same for 64-bit Arm. The lower halves of v8 to v15 belong to the caller
/// and are put back by whoever uses them; their upper halves are anybody's.
#[cfg(target_arch = "aarch64")]
#[inline(never)]
fn wipe_registers() {
    // SAFETY: every 64-bit Arm has these registers, and the compiler is told that they change.
    unsafe {
        std::arch::asm!(
            "movi v0.2d, #0",
            "movi v1.2d, #0",
            "movi v2.2d, #0",
            "movi v3.2d, #0",
            "movi v4.2d, #0",
            "movi v5.2d, #0",
            "movi v6.2d, #0",
            "movi v7.2d, #0",
            "movi v8.2d, #0",
            "movi v9.2d, #0",
            "movi v10.2d, #0",
            "movi v11.2d, #0",
            "movi v12.2d, #0",
            "movi v13.2d, #0",
            "movi v14.2d, #0",
            "movi v15.2d, #0",
            "movi v16.2d, #0",
            "movi v17.2d, #0",
            "movi v18.2d, #0",
            "movi v19.2d, #0",
            "movi v20.2d, #0",
            "movi v21.2d, #0",
            "movi v22.2d, #0",
            "movi v23.2d, #0",
            "movi v24.2d, #0",
            "movi v25.2d, #0",
            "movi v26.2d, #0",
            "movi v27.2d, #0",
            "movi v28.2d, #0",
            "movi v29.2d, #0",
            "movi v30.2d, #0",
            "movi v31.2d, #0",
            out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _,
            out("v7") _, out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _,
            out("v14") _, out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _,
            out("v20") _, out("v21") _, out("v22") _, out("v23") _, out("v24") _, out("v25") _,
            out("v26") _, out("v27") _, out("v28") _, out("v29") _, out("v30") _, out("v31") _,
            options(nomem, nostack),
        );
    }
}

/// Elsewhere nothing clears registers but whatever runs next.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn wipe_registers() {}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::panic::catch_unwind;

    use super::*;

    /// Where a frame of the caller's is.
    #[inline(always)]
    fn here() -> u64 {
        let mark = 0u8;
        u64::try_from((&raw const mark).addr()).unwrap()
    }

    /// Leaves marks in frame after frame, `depth` of 1 KiB each.
    #[inline(never)]
    fn litter(depth: usize) {
        let mut frame = [0u8; 1024];
        frame.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(b"leftover"));
        optimization_barrier(&frame);
        if depth > 1 {
            litter(depth - 1);
        }
        optimization_barrier(&frame);
    }

    /// How many marks the stack below `top` holds, read from outside of the language.
    fn found(top: u64, bytes: usize) -> usize {
        let mut below = vec![0; bytes];
        let start = top - u64::try_from(bytes).unwrap();
        File::open("/proc/self/mem").unwrap().read_exact_at(&mut below, start).unwrap();
        below.windows(8).filter(|window| window == b"leftover").count()
    }

    #[test]
    fn nothing_is_left_of_what_the_work_put_there() {
        litter(20);
        assert!(found(here(), 32 * 1024) > 1000, "litter() leaves nothing to be wiped");
        scrubbed::<{ 64 * 1024 }, _>(|| litter(20));
        assert_eq!(found(here(), 60 * 1024), 0);
    }

    #[test]
    fn nor_when_it_panics() {
        let panicked = catch_unwind(|| {
            scrubbed::<{ 256 * 1024 }, _>(|| {
                litter(20);
                panic!("on purpose");
            });
        });
        assert!(panicked.is_err());
        assert_eq!(found(here(), 60 * 1024), 0);
    }

    #[test]
    fn it_returns_what_the_work_returns() {
        assert_eq!(scrubbed::<1024, _>(|| 7), 7);
    }
}
