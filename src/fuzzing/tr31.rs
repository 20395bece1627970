//! Key blocks of other systems: as text of anybody's making, and as what stands behind a
//! MAC that is right.

use crate::crypto::KeyAlgorithm;
use crate::keys::tr31::{
    Algorithm, Block, BlockVersion, Exportability, Header, KeyContext, KeyUsage, KeyVersionNumber, ModeOfUse,
    OptionalBlock, OptionalBlocks, ProtectionKey,
};

/// The protection key of what is made here.
const PROTECTION: [u8; 24] = *b"for fuzzing, and no more";
/// One that protects nothing. A fuzzer sees what is compared, and so whole blocks that
/// were made under the other, and gives them as text.
const UNUSED: [u8; 24] = *b"for nothing in the world";

/// A key block. Text that is accepted says the same when its header is written again, and
/// does not open. The same bytes as fields of a header and a clear text, under the MAC that
/// fits, come back as they were, and with one character changed they do not.
pub fn tr31(data: &[u8]) {
    if let Ok(block) = Block::parse(data) {
        rewritten(&block);
        assert!(open(&block, &UNUSED).is_none(), "a block opened under a key that nobody used");
    }
    if let Some((fields, rest)) = data.split_first_chunk() {
        made(*fields, rest);
    }
}

/// The optional blocks of what was accepted are those that stand there.
fn rewritten(block: &Block<'_>) {
    let optional = &block.header().optional;
    let text = optional.to_bytes();
    let again = OptionalBlocks::read(optional.len(), &text);
    assert!(
        again.is_ok_and(|(again, rest)| again == *optional && rest.is_empty()),
        "optional blocks changed"
    );
}

/// Seals what the bytes say, and opens it again.
fn made(fields: [u8; 8], rest: &[u8]) {
    let [version, algorithm, mode, export, usage, at, with, split] = fields;
    let picked = |letters: &[u8], by: u8| letters.get(usize::from(by) % letters.len()).copied().unwrap_or(0);
    let version = if version.is_multiple_of(2) { BlockVersion::B } else { BlockVersion::D };
    let (optional, clear) = rest.split_at(usize::from(split).min(rest.len()));
    let header = (|| {
        Some(Header {
            version,
            usage: KeyUsage::parse([picked(b"BCDEKMPV", usage), picked(b"012345", usage)]).ok()?,
            algorithm: Algorithm::parse(picked(b"ADEHRST", algorithm)).ok()?,
            mode: ModeOfUse::parse(picked(b"BCDEGNSTVXY", mode)).ok()?,
            key_version: KeyVersionNumber::NONE,
            exportability: Exportability::parse(picked(b"ENS", export)).ok()?,
            context: KeyContext::parse(picked(b"012", export)).ok()?,
            optional: optional_of(optional),
        })
    })();
    let Some(header) = header else { return };
    let whole = clear.len() - clear.len() % version.cipher_block();
    let mut clear = clear.get(..whole.min(4096)).unwrap_or_default().to_vec();
    let told = clear.clone();
    let Some(text) = protection(version, &PROTECTION).and_then(|key| header.seal(key, &mut clear).ok())
    else {
        return;
    };
    let Ok(block) = Block::parse(text.as_bytes()) else {
        assert!(told.is_empty(), "a block that was made is refused");
        return;
    };
    rewritten(&block);
    assert!(block.header().optional.kept(|_| true) == header.optional, "optional blocks changed");
    let inside = told.split_first_chunk().and_then(|(length, key)| {
        let bits = usize::from(u16::from_be_bytes(*length));
        key.get(..bits / 8).filter(|key| !key.is_empty() && bits.is_multiple_of(8))
    });
    assert!(open(&block, &PROTECTION).as_deref() == inside, "the key changed");
    let mut changed = text.clone().into_bytes();
    let place = usize::from(at) * 41 % changed.len().max(1);
    changed.get_mut(place).into_iter().for_each(|byte| *byte = with);
    if changed != text.as_bytes() {
        assert!(
            Block::parse(&changed).ok().and_then(|block| open(&block, &PROTECTION)).is_none(),
            "a changed block opened"
        );
    }
}

/// Blocks out of bytes: two of id, one of length, data.
fn optional_of(mut bytes: &[u8]) -> OptionalBlocks {
    let mut blocks = OptionalBlocks::default();
    while let Some((&[a, b, length], rest)) = bytes.split_first_chunk() {
        let (data, behind) = rest.split_at(usize::from(length).min(rest.len()));
        let letter = |byte: u8| byte % 26 + b'A';
        let data: Vec<u8> = data.iter().map(|byte| byte % 95 + b' ').collect();
        let id = [letter(a), letter(b)];
        // Padding is made when a block is written; an id that is there already is refused.
        if let Ok(block) = OptionalBlock::new(id, &data)
            && id != *b"PB"
        {
            let _ = blocks.push(block);
        }
        bytes = behind;
    }
    blocks
}

fn protection(version: BlockVersion, key: &[u8; 24]) -> Option<ProtectionKey<'_>> {
    let algorithm = if version == BlockVersion::D { KeyAlgorithm::Aes192 } else { KeyAlgorithm::Tdes3 };
    ProtectionKey::new(algorithm, key).ok()
}

/// The key inside, if the block is authentic and says a length that can be.
fn open(block: &Block<'_>, key: &[u8; 24]) -> Option<Vec<u8>> {
    let key = block.unwrap(protection(block.header().version, key)?).ok()?;
    Some(key.expose().to_vec())
}
