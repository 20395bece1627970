//! The file of a backup.
//!
//! 40 bytes of header: "tallybak" (8), format 1 (1), zeros (3), Argon2id memory in KiB
//! (4), passes (4), lanes (4), salt (16). Then chunks as [`Stream`] seals them, each of
//! 65,536 bytes but the last, under the key that the passphrase gives with that salt;
//! the header is authenticated with each. In them items: a kind (1), a length (4,
//! big-endian) and content.

use std::io::{Error, ErrorKind, Read, Write};

use minicbor::{Decode, Encode};
use secrecy::SecretSlice;
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

use crate::crypto::{
    Backup, CHUNK, CryptoError, PassphraseCost, Random, Stream, TAG_LEN, key_from_passphrase,
};
use crate::secmem::Region;

const MAGIC: &[u8; 8] = b"tallybak";
const FORMAT: u8 = 1;
const HEADER: usize = 40;
/// Bytes of the largest item.
const LARGEST: usize = 16 << 20;

/// Why a backup cannot be written or read.
#[derive(Debug, ThisError)]
pub enum BackupError {
    /// The file.
    #[error(transparent)]
    Io(#[from] Error),
    /// It does not begin as a backup does.
    #[error("this is not a Tallystick backup")]
    NotABackup,
    /// It has another format version.
    #[error("the backup has format version {0}; this program reads version 1")]
    Version(u8),
    /// Its first chunk does not open.
    #[error("the passphrase is wrong, or the backup was changed")]
    WrongPassphrase,
    /// A later chunk does not open.
    #[error("the backup was changed, reordered or cut off behind byte {0}")]
    NotAuthentic(u64),
    /// What it holds is none of a backup.
    #[error("the backup is malformed: {0}")]
    Form(&'static str),
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Which state a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct About {
    /// Name and version of the program that made it.
    #[n(0)]
    pub server: String,
    /// Unix seconds when it was begun.
    #[n(1)]
    pub time: u64,
    /// The epoch of the daemon.
    #[n(2)]
    pub epoch: u64,
    /// The newest transaction group in it.
    #[n(3)]
    pub group: u64,
}

/// A part of a backup, in this order; rows many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Which state it holds.
    About(About),
    /// The keyring, as sealed as it was.
    Keyring(Vec<u8>),
    /// The configuration.
    Config(Vec<u8>),
    /// A piece of the store's rows.
    Rows(Vec<u8>),
    /// The end, and how many bytes of rows came before it.
    End(u64),
}

impl Item {
    fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::About(about) => {
                let mut bytes = Vec::new();
                // Writing to memory cannot fail.
                let _ = minicbor::encode(about, &mut bytes);
                (1, bytes)
            }
            Self::Keyring(bytes) => (2, bytes.clone()),
            Self::Config(bytes) => (3, bytes.clone()),
            Self::Rows(bytes) => (4, bytes.clone()),
            Self::End(rows) => (5, rows.to_be_bytes().to_vec()),
        }
    }

    fn decode(kind: u8, bytes: Vec<u8>) -> Result<Self, BackupError> {
        Ok(match kind {
            1 => Self::About(minicbor::decode(&bytes).map_err(|_| BackupError::Form("its description"))?),
            2 => Self::Keyring(bytes),
            3 => Self::Config(bytes),
            4 => Self::Rows(bytes),
            5 => {
                let rows = bytes.as_slice().try_into().map_err(|_| BackupError::Form("its end"))?;
                Self::End(u64::from_be_bytes(rows))
            }
            _ => return Err(BackupError::Form("an item of an unknown kind")),
        })
    }
}

/// Writes a backup.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    stream: Stream<Backup>,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Writer<W> {
    /// Begins a backup under a passphrase and a salt of its own.
    ///
    /// # Errors
    /// [`BackupError::Crypto`] or [`BackupError::Io`].
    pub fn new(
        mut out: W,
        region: &Region,
        random: &dyn Random,
        passphrase: &SecretSlice<u8>,
        cost: PassphraseCost,
    ) -> Result<Self, BackupError> {
        let mut salt = [0; 16];
        random.fill(&mut salt).map_err(CryptoError::from)?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&[FORMAT, 0, 0, 0]);
        for field in [cost.memory_kib, cost.passes, cost.lanes] {
            header.extend_from_slice(&field.to_be_bytes());
        }
        header.extend_from_slice(&salt);
        let key = key_from_passphrase::<Backup>(region, passphrase, &salt, cost)?;
        let stream = Stream::new(key, &header);
        out.write_all(&header)?;
        Ok(Self { out, stream, chunk: Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN)) })
    }

    /// Adds an item.
    ///
    /// # Errors
    /// [`BackupError::Io`] or [`BackupError::Crypto`].
    pub fn add(&mut self, item: &Item) -> Result<(), BackupError> {
        let (kind, bytes) = item.encode();
        let bytes = Zeroizing::new(bytes);
        let len = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= LARGEST);
        let len = len.ok_or(BackupError::Form("an item that is too long"))?.to_be_bytes();
        for part in [&[kind][..], &len, &bytes] {
            self.append(part)?;
        }
        Ok(())
    }

    /// Ends the backup.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn finish(mut self) -> Result<W, BackupError> {
        self.write_chunk(true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), BackupError> {
        while !bytes.is_empty() {
            // Only now is it known that this one is not the last.
            if self.chunk.len() == CHUNK {
                self.write_chunk(false)?;
            }
            let room = CHUNK - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn write_chunk(&mut self, is_last: bool) -> Result<(), BackupError> {
        self.stream.seal(is_last, &mut self.chunk)?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

/// Reads a backup. Nothing that it gave may be relied on before [`Item::End`] came.
#[derive(Debug)]
pub struct Reader<R: Read> {
    source: R,
    stream: Stream<Backup>,
    /// The next chunk, sealed.
    ahead: Vec<u8>,
    /// What was opened and not given yet.
    text: Zeroizing<Vec<u8>>,
    at: usize,
    /// Bytes of the file that were opened.
    opened: u64,
    rows: u64,
    is_over: bool,
}

impl<R: Read> Reader<R> {
    /// Begins to read a backup under its passphrase.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::Version`], [`BackupError::Crypto`]
    /// or [`BackupError::Io`].
    pub fn new(mut source: R, region: &Region, passphrase: &SecretSlice<u8>) -> Result<Self, BackupError> {
        let header = fill(&mut source, HEADER)?;
        let [_, _, _, _, _, _, _, _, format, z0, z1, z2, a, b, c, d, e, f, g, h, i, j, k, l, salt @ ..] =
            *header.first_chunk::<HEADER>().ok_or(BackupError::NotABackup)?;
        if !header.starts_with(MAGIC) {
            return Err(BackupError::NotABackup);
        }
        if format != FORMAT || [z0, z1, z2] != [0; 3] {
            return Err(BackupError::Version(format));
        }
        let cost = PassphraseCost {
            memory_kib: u32::from_be_bytes([a, b, c, d]),
            passes: u32::from_be_bytes([e, f, g, h]),
            lanes: u32::from_be_bytes([i, j, k, l]),
        };
        let key = key_from_passphrase::<Backup>(region, passphrase, &salt, cost)?;
        let stream = Stream::new(key, &header);
        let ahead = fill(&mut source, CHUNK + TAG_LEN)?;
        let (text, opened) = (Zeroizing::new(Vec::with_capacity(CHUNK)), 0);
        Ok(Self { source, stream, ahead, text, at: 0, opened, rows: 0, is_over: false })
    }

    /// The next item; none behind the last, which is [`Item::End`].
    ///
    /// # Errors
    /// [`BackupError`]: then nothing of the backup is worth anything.
    pub fn next_item(&mut self) -> Result<Option<Item>, BackupError> {
        if self.is_over {
            return Ok(None);
        }
        let head = self.read(5)?;
        let [kind, a, b, c, d] = *head.first_chunk::<5>().ok_or(BackupError::Form("it ends early"))?;
        let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if len > LARGEST {
            return Err(BackupError::Form("an item that is too long"));
        }
        let bytes = self.read(len)?;
        let item = Item::decode(kind, bytes)?;
        match &item {
            Item::Rows(bytes) => self.rows += u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Item::End(rows) => {
                let is_end = self.at == self.text.len() && self.ahead.is_empty();
                if !is_end || *rows != self.rows {
                    return Err(BackupError::Form("its end"));
                }
                self.is_over = true;
            }
            _ => {}
        }
        Ok(Some(item))
    }

    /// Bytes of the file that were read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.opened
    }

    fn read(&mut self, count: usize) -> Result<Vec<u8>, BackupError> {
        let mut found = Vec::new();
        while found.len() < count {
            if self.at == self.text.len() {
                self.open_chunk()?;
            }
            let left = self.text.get(self.at..).unwrap_or_default();
            let now = left.get(..(count - found.len()).min(left.len())).unwrap_or_default();
            found.extend_from_slice(now);
            self.at += now.len();
        }
        Ok(found)
    }

    fn open_chunk(&mut self) -> Result<(), BackupError> {
        let mut chunk = std::mem::take(&mut self.ahead);
        if chunk.is_empty() {
            let cut = BackupError::NotAuthentic(self.opened);
            return Err(if self.opened == 0 { BackupError::WrongPassphrase } else { cut });
        }
        self.ahead = fill(&mut self.source, CHUNK + TAG_LEN)?;
        let opened = self.stream.open(self.ahead.is_empty(), &mut chunk);
        let text = opened.map_err(|_| match self.opened {
            0 => BackupError::WrongPassphrase,
            opened => BackupError::NotAuthentic(opened),
        })?;
        if text.is_empty() {
            return Err(BackupError::Form("an empty chunk"));
        }
        self.text = Zeroizing::new(text.to_vec());
        self.at = 0;
        self.opened += u64::try_from(chunk.len()).unwrap_or(0);
        Ok(())
    }
}

/// Reads so many bytes, or fewer at the end.
fn fill(source: &mut impl Read, count: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
