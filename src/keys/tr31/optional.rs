//! Optional blocks of a header, kept byte by byte.
//!
//! A block: id 2, length 2 hex digits, data. The length counts all of it. A length of
//! "00" is followed by the number of bytes of the length, "01" or "02", and so many
//! bytes of length in hex (X9.143:2021, 6.2, table 1). An id stands there once, and padding
//! last (6.3.6).

use super::Tr31Error;

/// Most optional blocks: the header counts them in two digits.
const MOST: usize = 99;
/// The id of the block that pads.
const PADDING: [u8; 2] = *b"PB";

/// One optional block as it stands in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalBlock {
    text: Vec<u8>,
    data: usize,
}

/// The optional blocks of a header, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionalBlocks(Vec<OptionalBlock>);

impl OptionalBlock {
    /// A block with this content, printable ASCII. Its length is extended if it must be.
    ///
    /// # Errors
    /// [`Tr31Error::Character`]; [`Tr31Error::OptionalLength`] beyond 9,999 characters.
    pub fn new(id: [u8; 2], data: &[u8]) -> Result<Self, Tr31Error> {
        check_id(id)?;
        check_printable(data)?;
        let head = match data.len() {
            length if length + 4 <= 0xff => format!("{:02X}", length + 4),
            length if length <= 9999 => format!("0002{:04X}", length + 10),
            _ => return Err(Tr31Error::OptionalLength(id.map(char::from))),
        };
        let text = [&id, head.as_bytes(), data].concat();
        Ok(Self { text, data: 2 + head.len() })
    }

    /// Reads the first block of `bytes`; gives the rest back.
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Tr31Error> {
        let (id, rest) = bytes.split_first_chunk::<2>().ok_or(Tr31Error::OptionalCount)?;
        check_id(*id)?;
        let wrong = Tr31Error::OptionalLength(id.map(char::from));
        let number = |text: Option<&[u8]>| text.and_then(hex_number).ok_or(wrong);
        let (length, data) = match number(rest.get(..2))? {
            0 => {
                let bytes_of_length = number(rest.get(2..4))?;
                if !matches!(bytes_of_length, 1 | 2) {
                    return Err(wrong);
                }
                let end = 4 + 2 * bytes_of_length;
                (number(rest.get(4..end))?, 2 + end)
            }
            length => (length, 4),
        };
        if length < data {
            return Err(wrong);
        }
        let (text, rest) = bytes.split_at_checked(length).ok_or(wrong)?;
        check_printable(text)?;
        Ok((Self { text: text.to_vec(), data }, rest))
    }

    /// Its two characters.
    #[must_use]
    pub fn id(&self) -> [u8; 2] {
        self.text.first_chunk().copied().unwrap_or_default()
    }

    /// Its content.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.text.get(self.data..).unwrap_or_default()
    }

    /// All of it, as it stands in the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

impl OptionalBlocks {
    /// Reads `count` blocks from the beginning of `bytes`; gives the rest back.
    ///
    /// # Errors
    /// [`Tr31Error::OptionalCount`], [`Tr31Error::OptionalLength`],
    /// [`Tr31Error::OptionalOrder`] or [`Tr31Error::Character`].
    pub fn read(count: usize, bytes: &[u8]) -> Result<(Self, &[u8]), Tr31Error> {
        let (mut blocks, mut rest) = (Self::default(), bytes);
        for _ in 0..count {
            let (block, behind) = OptionalBlock::read(rest)?;
            blocks.push(block)?;
            rest = behind;
        }
        Ok((blocks, rest))
    }

    /// Adds a block behind the others.
    ///
    /// # Errors
    /// [`Tr31Error::OptionalOrder`] if there is one with its id, or padding;
    /// [`Tr31Error::OptionalCount`] beyond 99.
    pub fn push(&mut self, block: OptionalBlock) -> Result<(), Tr31Error> {
        let id = block.id();
        if self.get(PADDING).is_some() || self.get(id).is_some() {
            return Err(Tr31Error::OptionalOrder(id.map(char::from)));
        }
        if self.0.len() == MOST {
            return Err(Tr31Error::OptionalCount);
        }
        self.0.push(block);
        Ok(())
    }

    /// Each block.
    pub fn iter(&self) -> impl Iterator<Item = &OptionalBlock> {
        self.0.iter()
    }

    /// The block with an id.
    #[must_use]
    pub fn get(&self, id: [u8; 2]) -> Option<&OptionalBlock> {
        self.0.iter().find(|block| block.id() == id)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The blocks as they stand in a header.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(OptionalBlock::as_bytes).copied().collect()
    }

    /// Those for which `keep` says so; never the padding.
    #[must_use]
    pub fn kept(&self, keep: impl Fn([u8; 2]) -> bool) -> Self {
        let kept = self.0.iter().filter(|block| block.id() != PADDING && keep(block.id()));
        Self(kept.cloned().collect())
    }

    /// The same, with a padding block behind them if they do not fill whole blocks of
    /// `size` characters.
    ///
    /// # Errors
    /// As [`OptionalBlocks::push`].
    pub(super) fn padded(&self, size: usize) -> Result<Self, Tr31Error> {
        let mut padded = self.kept(|_| true);
        let length = padded.to_bytes().len();
        if !length.is_multiple_of(size) {
            let fill = (length + 4).next_multiple_of(size) - length - 4;
            padded.push(OptionalBlock::new(PADDING, &vec![b'0'; fill])?)?;
        }
        Ok(padded)
    }
}

fn check_id(id: [u8; 2]) -> Result<(), Tr31Error> {
    if id.iter().all(u8::is_ascii_alphanumeric) { Ok(()) } else { Err(Tr31Error::Character) }
}

fn check_printable(text: &[u8]) -> Result<(), Tr31Error> {
    if text.iter().all(|byte| (b' '..=b'~').contains(byte)) { Ok(()) } else { Err(Tr31Error::Character) }
}

/// The number of some digits of hex, capitals only.
fn hex_number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let text = std::str::from_utf8(text).ok().filter(|_| digits)?;
    usize::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(count: usize, text: &str) -> Result<OptionalBlocks, Tr31Error> {
        let (blocks, rest) = OptionalBlocks::read(count, text.as_bytes())?;
        assert!(rest.is_empty(), "{text}");
        Ok(blocks)
    }

    #[test]
    fn they_are_kept_byte_by_byte() {
        for (count, text) in [
            (1, "KS1800604B120F9292800000"),
            (2, "TT0EHelloWorldPB0A000000"),
            (1, "CT00010Eabcdef"),
            (1, "CT00020010abcdef"),
            (1, "KS04"),
        ] {
            assert_eq!(read(count, text).unwrap().to_bytes(), text.as_bytes());
        }
        let ids: Vec<_> =
            read(2, "TT0EHelloWorldPB0A000000").unwrap().iter().map(OptionalBlock::id).collect();
        assert_eq!(ids, [*b"TT", *b"PB"]);
        for extended in ["CT00010Eabcdef", "CT00020010abcdef"] {
            assert_eq!(read(1, extended).unwrap().get(*b"CT").unwrap().data(), b"abcdef");
        }
        let long = OptionalBlock::new(*b"CT", &[b'x'; 300]).unwrap();
        let (again, rest) = OptionalBlock::read(long.as_bytes()).unwrap();
        assert!(again == long && rest.is_empty() && again.data().len() == 300);
    }

    #[test]
    fn what_is_malformed_is_told() {
        let length = Tr31Error::OptionalLength(['K', 'S']);
        for (text, told) in [
            ("", Tr31Error::OptionalCount),
            ("K", Tr31Error::OptionalCount),
            ("KS", length),
            ("KS0", length),
            ("KS03", length),
            ("KS05", length),
            ("KS0aabcdef", length),
            ("KS0 ", length),
            ("KS00", length),
            ("KS0000", length),
            ("KS00030010", length),
            ("KS0001", length),
            ("KS000107", length),
            ("K\u{7f}04", Tr31Error::Character),
            ("KS05\n", Tr31Error::Character),
        ] {
            assert_eq!(read(1, text), Err(told), "{text:?}");
        }
        assert_eq!(read(2, "KS05aKS05b"), Err(Tr31Error::OptionalOrder(['K', 'S'])));
        assert_eq!(read(2, "PB05aKS05b"), Err(Tr31Error::OptionalOrder(['K', 'S'])));
    }

    #[test]
    fn padding_fills_whole_blocks_and_no_more() {
        for size in [8, 16] {
            for length in 0..64 {
                let mut blocks = OptionalBlocks::default();
                blocks.push(OptionalBlock::new(*b"TT", &vec![b'x'; length]).unwrap()).unwrap();
                let padded = blocks.padded(size).unwrap();
                let bytes = padded.to_bytes();
                assert!(bytes.len() % size == 0 && bytes.len() < length + 4 + size + 4, "{length} {size}");
                assert_eq!(padded.len() == 1, (length + 4) % size == 0);
                // Padding what is padded already pads nothing more.
                assert_eq!(padded.padded(size).unwrap(), padded);
            }
        }
        assert!(OptionalBlocks::default().padded(16).unwrap().is_empty());
    }

    #[test]
    fn a_hundredth_is_refused() {
        let mut blocks = OptionalBlocks::default();
        for nth in 0..99u8 {
            blocks.push(OptionalBlock::new([b'0' + nth / 10, b'a' + nth % 10], b"").unwrap()).unwrap();
        }
        let one_more = blocks.push(OptionalBlock::new(*b"zz", b"").unwrap());
        assert_eq!(one_more, Err(Tr31Error::OptionalCount));
    }
}
