//! The arguments of `tally backup`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Dir;

/// What to do with a backup.
#[derive(Subcommand)]
pub enum BackupTask {
    /// Write everything into one encrypted file, while the daemon serves (admin socket)
    Create {
        #[command(flatten)]
        at: Dir,
        /// The file to be made
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// File whose first line is the passphrase of the backup; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        backup_passphrase_file: PathBuf,
    },
    /// Check that a backup is whole and as it was written
    Verify {
        /// The backup
        file: PathBuf,
        /// File whose first line is the passphrase of the backup; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        backup_passphrase_file: PathBuf,
    },
    /// Make a state directory of a backup; `tally restore` then accepts it
    Restore {
        #[command(flatten)]
        dir: Dir,
        /// The backup
        file: PathBuf,
        /// File whose first line is the passphrase of the backup; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        backup_passphrase_file: PathBuf,
    },
}
