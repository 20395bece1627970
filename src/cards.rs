//! Files of cards: comma-separated lines, one a card, as `tally provision --file`
//! reads them. They hold PANs, so what is read is wiped. And the record of what of a file
//! is done, which holds none.

mod card;
mod lines;
mod reader;
mod record;

pub use card::{Columns, ColumnsError, Reject, Template};
pub use lines::{LONGEST, Line, Lines};
pub use reader::{Cards, CardsError, Item};
pub use record::{Done, RecordError, SAVED, read_record};
