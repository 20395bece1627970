//! What is kept of an operation that was done: the one place that says so.

use crate::command::Command;
use crate::daemon::audit::Subject;
use crate::wire::Opcode;

/// What is kept of an operation that was done. One that was refused is kept always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing by itself: if it changed anything, its transaction group is recorded.
    Group,
    /// How often.
    Count,
    /// A record of its own, durable before the answer.
    Record,
}

/// What is kept of an operation. Whatever is not named here has a record of its own:
/// a new operation is recorded unless somebody says here that it need not be.
#[must_use]
pub const fn kept(opcode: Opcode) -> Kept {
    match opcode {
        Opcode::Hello
        | Opcode::Ping
        | Opcode::Issue
        | Opcode::Verify
        | Opcode::IssueBatch
        | Opcode::VerifyBatch
        | Opcode::IssueShort
        | Opcode::VerifyShort
        | Opcode::Provision
        | Opcode::Show
        | Opcode::List
        | Opcode::ChangeStatus
        | Opcode::LinkPar
        | Opcode::EmvIssue
        | Opcode::EmvVerify
        | Opcode::ReleaseCard
        | Opcode::OpenEntry
        | Opcode::CloseEntry
        // Its beginning has a record.
        | Opcode::BackupNext => Kept::Group,
        // A card can be guessed at by these, or an answer made for one.
        Opcode::Par
        | Opcode::Fingerprint
        | Opcode::HoldCard
        | Opcode::EnterCard
        | Opcode::EmvArpc
        | Opcode::MakeCardValue
        | Opcode::VerifyCardValue => Kept::Count,
        Opcode::Status | Opcode::Metrics | Opcode::Custody | Opcode::Proposals => Kept::Count,
        // Among them those that show a PAN, and a renewal, which clears locks.
        _ => Kept::Record,
    }
}

/// The token that a command is about, if it is about one.
#[must_use]
pub(in crate::daemon) fn subject(command: &Command<'_>) -> Option<Subject> {
    let token = match command {
        Command::Show(token) | Command::Detokenize(token) | Command::ClearShortLock(token) => Some(*token),
        Command::ChangeStatus(change) => Some(change.token),
        Command::Renew(renew) => Some(renew.token),
        Command::LinkPar(link) => Some(link.predecessor),
        Command::Issue(issue) => Some(issue.token),
        Command::IssueShort(issue) => Some(issue.0.token),
        Command::Verify(verify) => Some(verify.token),
        Command::VerifyShort(verify) => Some(verify.token),
        Command::Provision(_)
        | Command::List(_)
        | Command::Par(_)
        | Command::Fingerprint(_)
        | Command::Reseal(_)
        | Command::EmvIssue(_)
        | Command::EmvVerify(_)
        | Command::EmvArpc(_)
        | Command::MakeCardValue(_)
        | Command::VerifyCardValue(_)
        | Command::HoldCard(_)
        | Command::ReleaseCard(_)
        | Command::OpenEntry(_)
        | Command::EnterCard(_)
        | Command::CloseEntry(_) => None,
    };
    token.map(Subject::Token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new operation shows up here, and is recorded unless it was thought of.
    #[test]
    fn what_administers_or_shows_a_pan_has_a_record_of_its_own() {
        for opcode in Opcode::ALL {
            let number = opcode.number();
            let expected = match number {
                0x0024 | 0x0026 | 0x0029 | 0x002a => Kept::Record,
                0x0027 | 0x0028 | 0x0032..=0x0034 | 0x0038 | 0x003b | 0x0040 | 0x0041 | 0x0050 | 0x0057 => {
                    Kept::Count
                }
                0x0001..=0x0031 | 0x0039 | 0x003a | 0x003c | 0x0061 => Kept::Group,
                _ => Kept::Record,
            };
            assert_eq!(kept(*opcode), expected, "{}", opcode.name());
        }
    }
}
