//! Exporting an imported key in a key block.

use super::OpenKeyring;
use crate::crypto::{KeyAlgorithm, Random};
use crate::keys::ImportError;
use crate::keys::imported::{check_export, may_protect};
use crate::keys::tr31::{Algorithm, BlockVersion, Header, KeyContext, ProtectionKey};
use crate::types::KeyLabel;

/// Optional blocks that tell of the key which protected another block: its check value.
const OF_ANOTHER_KEY: [[u8; 2]; 2] = [*b"KP", *b"PK"];

impl OpenKeyring {
    /// A key block with an imported key, protected by the transport key `under`: of
    /// version B if that is TDES, D if it is AES. Usage, mode, version number,
    /// exportability and optional blocks are those that the key came with, but for
    /// blocks KP and PK, which told of the key that protected it then.
    ///
    /// # Errors
    /// [`ImportError::Unknown`], [`ImportError::NotTransport`] or
    /// [`ImportError::TransportMode`]; [`ImportError::NotExportable`];
    /// [`ImportError::NotTrusted`]; [`ImportError::Weaker`]; [`ImportError::Block`].
    pub fn export(
        &self,
        random: &dyn Random,
        label: &KeyLabel,
        under: &KeyLabel,
    ) -> Result<String, ImportError> {
        let key = self.active(label)?;
        let info = key.info();
        let (transport, protection) = self.transport(under)?;
        if !transport.rules().may_wrap() {
            return Err(ImportError::TransportMode(transport.mode));
        }
        check_export(info.exportability, transport.usage)?;
        if !may_protect(transport.algorithm, info.algorithm) {
            return Err(ImportError::Weaker);
        }
        let protection_key = ProtectionKey::new(transport.algorithm, protection.expose())?;
        let header = Header {
            version: if protection_key.is_tdes() { BlockVersion::B } else { BlockVersion::D },
            usage: info.usage,
            algorithm: match info.algorithm {
                KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3 => Algorithm::Tdes,
                KeyAlgorithm::Aes128 | KeyAlgorithm::Aes192 | KeyAlgorithm::Aes256 => Algorithm::Aes,
            },
            mode: info.mode,
            key_version: info.key_version,
            exportability: info.exportability,
            context: KeyContext::Any,
            optional: info.optional.kept(|id| !OF_ANOTHER_KEY.contains(&id)),
        };
        let opened = key.unwrap(&self.root, &self.region)?;
        Ok(header.wrap(protection_key, random, opened.expose())?)
    }
}
