//! The passphrase from a file or standard input, never from an argument.

use std::io::Read;
use std::path::Path;

use secrecy::SecretSlice;
use zeroize::Zeroize;

use super::KeyError;

/// Most bytes of a passphrase file.
const MAX: usize = 4096;

/// Reads a passphrase: the first line of a file, or of standard input if the
/// path is `-`. It must have at least 8 bytes.
///
/// # Errors
/// [`KeyError::Passphrase`] says what is wrong, without its content.
pub fn read_passphrase(path: &Path) -> Result<SecretSlice<u8>, KeyError> {
    if path == Path::new("-") {
        return from_reader(Stdin);
    }
    let file = std::fs::File::open(path).map_err(|_| KeyError::Passphrase("file cannot be opened"))?;
    from_reader(file)
}

/// Standard input without the buffer of [`std::io::stdin`], which would keep what was
/// read for good.
#[derive(Debug)]
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
    }
}

fn from_reader(reader: impl Read) -> Result<SecretSlice<u8>, KeyError> {
    // Room for all that is read, since growing would leave a copy behind.
    let mut bytes = Vec::with_capacity(MAX + 1);
    let limit = u64::try_from(MAX + 1).unwrap_or(u64::MAX);
    let read = reader.take(limit).read_to_end(&mut bytes);
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
    let result = match read {
        Err(_) => Err(KeyError::Passphrase("cannot be read")),
        Ok(_) if bytes.len() > MAX => Err(KeyError::Passphrase("is longer than 4,096 bytes")),
        Ok(_) if end < 8 => Err(KeyError::Passphrase("is shorter than 8 bytes")),
        Ok(_) => Ok(bytes.get(..end).unwrap_or_default().to_vec().into()),
    };
    bytes.zeroize();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_first_line_without_its_end() {
        for text in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nmore"] {
            let passphrase = from_reader(text.as_bytes()).unwrap();
            assert_eq!(passphrase.expose_secret(), b"correct horse");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_there_may_be() {
        for length in [8, MAX] {
            let passphrase = from_reader("x".repeat(length).as_bytes()).unwrap();
            assert_eq!(passphrase.expose_secret().len(), length);
        }
    }

    #[test]
    fn too_short_or_too_long_is_refused() {
        for text in ["", "\n", "1234567", &"x".repeat(MAX + 1)] {
            assert!(from_reader(text.as_bytes()).is_err());
        }
    }
}
