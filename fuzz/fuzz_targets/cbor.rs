//! Changes within CBOR (RFC 8949): a number, a string or an entry of a map becomes
//! another, and all heads stay right. Of bytes changed blindly few are CBOR still.

use libfuzzer_sys::fuzzer_mutate;

/// Xorshift (Marsaglia, 2003): libFuzzer's seed decides everything.
pub struct Draw(pub u32);

impl Draw {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0).unwrap_or(0) % limit.max(1)
    }
}

/// An item: where its head begins and ends, where its content ends, its type, argument.
struct Item {
    start: usize,
    head: usize,
    end: usize,
    major: u8,
    argument: u64,
}

/// The bytes with one item changed; none if they are no CBOR.
pub fn changed(data: &[u8], draw: &mut Draw) -> Option<Vec<u8>> {
    let items = items(data)?;
    let Item { start, head, end, major, argument } = items[draw.below(items.len())];
    let mut content = data[head..end].to_vec();
    let argument = match major {
        2 | 3 => {
            let size = content.len();
            content.resize(size + 64, 0);
            let changed = fuzzer_mutate(&mut content, size, size + 64);
            content.truncate(changed);
            u64::try_from(changed).ok()?
        }
        0 | 1 => another(argument, draw),
        // Of arrays and maps the count, now and then.
        _ => argument.wrapping_add(u64::try_from(draw.below(3)).ok()?).saturating_sub(1),
    };
    // Another kind of item seldom gets far.
    let major = if draw.below(32) == 0 { draw.below(8).try_into().ok()? } else { major };
    let mut out = data[..start].to_vec();
    out.extend_from_slice(&head_of(major, argument));
    out.extend_from_slice(&content);
    out.extend_from_slice(&data[end..]);
    Some(out)
}

/// A number near the old one, near a power of two, or any.
fn another(number: u64, draw: &mut Draw) -> u64 {
    let near = u64::try_from(draw.below(5)).unwrap_or(0);
    match draw.below(4) {
        0 => number.wrapping_add(near).wrapping_sub(2),
        1 => (1u64 << draw.below(64)).wrapping_add(near).wrapping_sub(2),
        2 => near,
        _ => {
            let (high, low) = (draw.below(1 << 32), draw.below(1 << 32));
            (u64::try_from(high).unwrap_or(0) << 32 | u64::try_from(low).unwrap_or(0)) >> draw.below(64)
        }
    }
}

/// The items of definite length, as they stand in each other.
fn items(data: &[u8]) -> Option<Vec<Item>> {
    let (mut at, mut found) = (0, Vec::new());
    while at < data.len() {
        let (start, first) = (at, data[at]);
        let (major, short) = (first >> 5, first & 31);
        let more = match short {
            0..24 => 0,
            24..28 => 1usize << (short - 24),
            _ => return None,
        };
        let bytes = data.get(at + 1..at + 1 + more)?;
        let argument = bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let argument = if more == 0 { u64::from(short) } else { argument };
        let head = at + 1 + more;
        let content = if matches!(major, 2 | 3) { usize::try_from(argument).ok()? } else { 0 };
        let end = head.checked_add(content).filter(|end| *end <= data.len())?;
        found.push(Item { start, head, end, major, argument });
        at = end;
    }
    (!found.is_empty()).then_some(found)
}

/// The shortest head.
fn head_of(major: u8, argument: u64) -> Vec<u8> {
    let bytes = argument.to_be_bytes();
    let of = |short: u8, count: usize| [&[major << 5 | short][..], &bytes[8 - count..]].concat();
    match argument {
        0..24 => vec![major << 5 | bytes[7]],
        24..0x100 => of(24, 1),
        0x100..0x1_0000 => of(25, 2),
        0x1_0000..0x1_0000_0000 => of(26, 4),
        _ => of(27, 8),
    }
}
