//! Putting a changed keyring in the old one's place.

use std::fs::{File, OpenOptions};
use std::io::{Result, Seek, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// Puts a file in another's place, whole or not at all, durably, with mode 0600
/// and the owner of the old one. Then overwrites the old one with zeros, as far as
/// the file system lets that reach the disk, unless it has another name left: a
/// copy by hard link is somebody's backup.
///
/// # Errors
/// What the system says. Unless it was the overwriting that failed, the old file is
/// as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut old = OpenOptions::new().read(true).write(true).open(path)?;
    let owner = old.metadata()?;
    let mut new = tempfile::Builder::new().prefix(".keyring-").tempfile_in(dir)?;
    new.write_all(bytes)?;
    let made = new.as_file().metadata()?;
    if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
        fchown(new.as_file(), Some(owner.uid()), Some(owner.gid()))?;
    }
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()?;
    let left = old.metadata()?;
    if left.nlink() == 0 {
        old.rewind()?;
        old.write_all(&vec![0; usize::try_from(left.len()).unwrap_or(0)])?;
        old.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_old_file_is_wiped_unless_it_has_another_name() {
        let dir = tempfile::TempDir::new().unwrap();
        let (path, link) = (dir.path().join("keyring"), dir.path().join("link"));
        std::fs::write(&path, b"one").unwrap();
        let mut one = File::open(&path).unwrap();
        replace(&path, b"second").unwrap();
        let mut left = Vec::new();
        one.read_to_end(&mut left).unwrap();
        assert_eq!((left, std::fs::read(&path).unwrap()), (vec![0; 3], b"second".to_vec()));
        std::fs::hard_link(&path, &link).unwrap();
        replace(&path, b"third").unwrap();
        assert_eq!(std::fs::read(&link).unwrap(), b"second");
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "something is left over");
    }
}
