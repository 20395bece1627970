//! The fields of a header that are one character of a table, and the key version number.

use std::fmt;

use super::Tr31Error;

/// A field of one character, each with its meaning.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $letter:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$what])* $variant,)+
        }

        impl $name {
            /// The value of a header's character.
            ///
            /// # Errors
            #[doc = concat!("[`Tr31Error::", stringify!($name), "`] if the table has no such character.")]
            pub fn parse(letter: u8) -> Result<Self, Tr31Error> {
                match char::from(letter) {
                    $($letter => Ok(Self::$variant),)+
                    other => Err(Tr31Error::$name(other)),
                }
            }

            /// The character.
            #[must_use]
            pub const fn letter(self) -> char {
                match self { $(Self::$variant => $letter,)+ }
            }

            /// What it says, in words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

table! {
    /// What the key inside computes (X9.143:2021, 6.3.2, table 3).
    Algorithm {
        /// AES.
        Aes = 'A', "AES";
        /// Single DES.
        Des = 'D', "DES";
        /// Elliptic curves.
        EllipticCurve = 'E', "elliptic curve";
        /// HMAC.
        Hmac = 'H', "HMAC";
        /// RSA.
        Rsa = 'R', "RSA";
        /// DSA.
        Dsa = 'S', "DSA";
        /// Triple DES.
        Tdes = 'T', "TDES";
    }
}

table! {
    /// What may be done with the key (X9.143:2021, 6.3.3, table 4).
    ModeOfUse {
        /// Encrypt and decrypt, wrap and unwrap.
        EncryptDecrypt = 'B', "encrypt and decrypt";
        /// Make and verify.
        GenerateVerify = 'C', "generate and verify";
        /// Decrypt or unwrap only.
        DecryptOnly = 'D', "decrypt or unwrap only";
        /// Encrypt or wrap only.
        EncryptOnly = 'E', "encrypt or wrap only";
        /// Make only.
        GenerateOnly = 'G', "generate only";
        /// Whatever the usage allows.
        NoRestriction = 'N', "no restriction beyond the usage";
        /// Sign only.
        SignOnly = 'S', "sign only";
        /// Sign and decrypt.
        SignDecrypt = 'T', "sign and decrypt";
        /// Verify only.
        VerifyOnly = 'V', "verify only";
        /// Derive other keys.
        Derive = 'X', "derive keys";
        /// Make variants of it.
        Variants = 'Y', "create key variants";
    }
}

table! {
    /// Whether the key may leave where it is (X9.143:2021, 6.3.5, table 6).
    Exportability {
        /// Under a key encryption key, in a form that meets X9.24.
        Trusted = 'E', "exportable under a trusted key";
        /// Not at all.
        No = 'N', "not exportable";
        /// Also in other forms.
        Sensitive = 'S', "sensitive: exportable under an untrusted key";
    }
}

table! {
    /// Where the block is meant to be used (X9.143:2021, 6.2, table 1; TR 31 has "0" there).
    KeyContext {
        /// Nothing is said.
        Any = '0', "not said";
        /// To be stored by who made it.
        Storage = '1', "storage";
        /// To be sent to another.
        Exchange = '2', "exchange";
    }
}

/// The key's version, two characters: "00" says nothing, a first "c" that this is one
/// component of a key (X9.143:2021, 6.3.4, table 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyVersionNumber([u8; 2]);

impl KeyVersionNumber {
    /// Nothing said.
    pub const NONE: Self = Self(*b"00");

    /// Takes two letters or digits.
    ///
    /// # Errors
    /// [`Tr31Error::Character`].
    pub fn parse(text: [u8; 2]) -> Result<Self, Tr31Error> {
        if text.iter().all(u8::is_ascii_alphanumeric) { Ok(Self(text)) } else { Err(Tr31Error::Character) }
    }

    /// The two characters.
    #[must_use]
    pub const fn as_bytes(self) -> [u8; 2] {
        self.0
    }

    /// What it says, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            [b'0', b'0'] => "not used",
            [b'c', _] => "one component of a key",
            _ => "version of the key",
        }
    }

    /// Whether the block has one component of a key, which is not a key.
    #[must_use]
    pub const fn is_component(self) -> bool {
        matches!(self.0, [b'c', _])
    }
}

impl fmt::Display for KeyVersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0.map(char::from);
        write!(f, "{first}{second}")
    }
}

impl fmt::Debug for KeyVersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyVersionNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_version_number_says_whether_it_is_one_and_of_what() {
        for (text, name, component) in [
            (*b"00", "not used", false),
            (*b"c0", "one component of a key", true),
            (*b"c9", "one component of a key", true),
            (*b"0c", "version of the key", false),
            (*b"01", "version of the key", false),
            (*b"C1", "version of the key", false),
        ] {
            let version = KeyVersionNumber::parse(text).unwrap();
            assert_eq!((version.name(), version.is_component()), (name, component), "{version}");
        }
    }
}
