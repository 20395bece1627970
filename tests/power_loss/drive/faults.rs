//! Which acts on a drive fail, and how.

/// Something that changes a disk or makes it durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    Create,
    Remove,
    Rename,
    Write,
    Truncate,
    /// Giving a file room ahead.
    Allocate,
    Sync,
}

/// What a file is to SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    Database,
    /// The write-ahead log.
    Log,
    /// The journal that undoes.
    Journal,
    /// The directory itself.
    Directory,
    Nameless,
}

/// An act as it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub act: Act,
    pub of: Of,
    pub offset: usize,
    pub len: usize,
    /// How it failed, if it did.
    pub blow: Option<Blow>,
}

/// How an act fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// Power is lost while it is under way.
    Outage,
    /// An error of input or output: part of it may have happened.
    Error,
}

/// The `nth` act, from 1, of a kind or of any, on files of a kind or of any.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    pub act: Option<Act>,
    pub of: Option<Of>,
    pub nth: u64,
}

/// Which syncs do nothing and say that they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    All,
    Of(Of),
}

/// A plan of faults, counted from when it is given to the drive.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    planned: Vec<(Aim, Blow)>,
    lie: Option<Lie>,
    pub quota: Option<usize>,
}

impl Of {
    /// What a file of this name is.
    pub fn name(name: &str) -> Self {
        match name {
            _ if name.ends_with("-wal") => Self::Log,
            _ if name.ends_with("-journal") => Self::Journal,
            _ => Self::Database,
        }
    }
}

impl Aim {
    /// The `nth` act whatever it is.
    pub const fn any(nth: u64) -> Self {
        Self { act: None, of: None, nth }
    }

    /// The `nth` act of a kind on files of a kind.
    pub const fn at(act: Act, of: Of, nth: u64) -> Self {
        Self { act: Some(act), of: Some(of), nth }
    }

    fn is_of(self, event: Event) -> bool {
        self.act.is_none_or(|act| act == event.act) && self.of.is_none_or(|of| of == event.of)
    }
}

impl Faults {
    /// The same plan with one more fault.
    pub fn with(mut self, aim: Aim, blow: Blow) -> Self {
        self.planned.push((aim, blow));
        self
    }

    /// The same plan with syncs that lie.
    pub fn lying(mut self, lie: Option<Lie>) -> Self {
        self.lie = lie;
        self
    }

    /// Counts an act and says how it fails, if it does.
    pub fn strike(&mut self, event: Event) -> Option<Blow> {
        let mut struck = None;
        for (aim, blow) in self.planned.iter_mut().filter(|(aim, _)| aim.is_of(event)) {
            // At zero it has struck before, and is not counted any more.
            if aim.nth == 1 {
                struck = Some(*blow);
            }
            aim.nth = aim.nth.saturating_sub(1);
        }
        struck
    }

    /// Whether a sync of a file only says that it was done.
    pub fn lies_of(&self, of: Of) -> bool {
        self.lie.is_some_and(|lie| lie == Lie::All || lie == Lie::Of(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_act_aimed_at_once_and_no_other() {
        let event = |act, of| Event { act, of, offset: 0, len: 0, blow: None };
        let (log, database) = (event(Act::Sync, Of::Log), event(Act::Sync, Of::Database));
        let write = event(Act::Write, Of::Log);
        let mut faults = Faults::default()
            .with(Aim::at(Act::Sync, Of::Log, 2), Blow::Error)
            .with(Aim::any(5), Blow::Outage);
        let struck = [log, database, write, log, log, log].map(|event| faults.strike(event));
        assert_eq!(struck, [None, None, None, Some(Blow::Error), Some(Blow::Outage), None]);
    }

    #[test]
    fn lies_of_what_it_is_told_to() {
        let plan = |lie| Faults::default().lying(lie);
        assert!(plan(Some(Lie::All)).lies_of(Of::Database));
        assert!(plan(Some(Lie::Of(Of::Log))).lies_of(Of::Log));
        assert!(!plan(Some(Lie::Of(Of::Log))).lies_of(Of::Database));
        assert!(!plan(None).lies_of(Of::Log));
    }
}
