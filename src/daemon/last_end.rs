//! How the daemon ended last. One that was taken over, killed or let down by its disk is
//! gone before anybody can ask it; the next one tells, as the metric `tally_last_end`.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::DaemonError;
use crate::store::StoreError;

/// How a daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to.
    Asked,
    /// Another writer has taken over its store, or its place among several nodes.
    Fenced,
    /// Its store, or something else that it cannot do without, failed.
    Failed,
    /// It could not say: it was killed, it crashed, or the machine did.
    Unsaid,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Fenced, Self::Failed, Self::Unsaid];

    /// Of the result of having served.
    #[must_use]
    pub fn of(served: &Result<(), DaemonError>) -> Self {
        match served {
            Ok(()) => Self::Asked,
            Err(DaemonError::Store(StoreError::Fenced)) => Self::Fenced,
            Err(_) => Self::Failed,
        }
    }

    /// What the metric and the file call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Fenced => "fenced",
            Self::Failed => "failed",
            Self::Unsaid => "unsaid",
        }
    }

    /// A line that is as long as that of every other.
    fn line(self) -> String {
        format!("{:7}\n", self.name())
    }
}

/// The file with the ending, which says [`Ending::Unsaid`] until its daemon has ended. It
/// is for operators: nothing depends on it, and after a power loss it may be a line behind.
pub struct LastEnd {
    file: File,
    /// How the daemon before this one ended; `None` if there was none, or nobody can read it.
    pub before: Option<Ending>,
}

impl LastEnd {
    /// Reads how the last one ended, and begins another.
    ///
    /// # Errors
    /// Those of the file.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut line = Ending::Unsaid.line().into_bytes();
        let before = match file.read_exact_at(&mut line, 0) {
            Ok(()) => Ending::ALL.into_iter().find(|ending| ending.line().as_bytes() == line),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        let this = Self { file, before };
        this.tell(Ending::Unsaid)?;
        Ok(this)
    }

    /// Says how this one ends.
    ///
    /// # Errors
    /// Those of the file.
    pub fn tell(&self, ending: Ending) -> io::Result<()> {
        self.file.write_all_at(ending.line().as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_start_tells_how_the_last_one_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("last-end");
        assert_eq!(LastEnd::begin(&path).unwrap().before, None);
        // Dropped without a word, as if killed.
        assert_eq!(LastEnd::begin(&path).unwrap().before, Some(Ending::Unsaid));
        for ending in Ending::ALL {
            LastEnd::begin(&path).unwrap().tell(ending).unwrap();
            assert_eq!(LastEnd::begin(&path).unwrap().before, Some(ending));
        }
        for strange in ["", "fen", "fenced!\n"] {
            std::fs::write(&path, strange).unwrap();
            assert_eq!(LastEnd::begin(&path).unwrap().before, None, "{strange}");
        }
    }

    #[test]
    fn an_ending_is_told_from_what_serving_came_to() {
        assert_eq!(Ending::of(&Ok(())), Ending::Asked);
        assert_eq!(Ending::of(&Err(StoreError::Fenced.into())), Ending::Fenced);
        assert_eq!(Ending::of(&Err(StoreError::Poisoned.into())), Ending::Failed);
        assert_eq!(Ending::of(&Err(DaemonError::AuditHangs)), Ending::Failed);
    }
}
