//! Byte buffers that may hold a PAN: they are wiped when they are emptied, and
//! before they grow, since growth leaves the old block behind.

use zeroize::optimization_barrier;

/// Overwrites with zeros, in a way that is not optimised away.
pub fn wipe(bytes: &mut [u8]) {
    // A fill is one memset where volatile stores would go byte by byte.
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Makes room for `more` bytes. If the block must move, the old one is wiped.
pub fn reserve(out: &mut Vec<u8>, more: usize) {
    if out.capacity() - out.len() >= more {
        return;
    }
    let wanted = out.len().saturating_add(more).max(out.capacity().saturating_mul(2));
    let mut roomier = Vec::with_capacity(wanted);
    roomier.extend_from_slice(out);
    wipe(out);
    *out = roomier;
}

/// Appends bytes. Within the capacity nothing is allocated.
pub fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    reserve(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Shortens to `len` bytes and wipes what is cut off.
pub fn cut(out: &mut Vec<u8>, len: usize) {
    wipe(out.get_mut(len..).unwrap_or_default());
    out.truncate(len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_keeps_the_bytes_and_is_geometric() {
        let mut out = Vec::new();
        for byte in 0..200u8 {
            append(&mut out, &[byte; 7]);
        }
        assert_eq!(out.len(), 1400);
        assert!((0..200u8).all(|byte| out[usize::from(byte) * 7..][..7] == [byte; 7]));
        assert!(out.capacity() < 4096);
    }

    #[test]
    fn a_cut_leaves_the_front() {
        let mut out = vec![1, 2, 3, 4];
        cut(&mut out, 2);
        assert_eq!(out, [1, 2]);
        cut(&mut out, 9);
        assert_eq!(out, [1, 2]);
    }
}
