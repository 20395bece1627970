//! Files of cards: comma-separated lines, one a card, as `tally provision --file`
//! reads them. They hold PANs, so what is read is wiped.

mod card;
mod lines;
mod reader;

pub use card::{Columns, ColumnsError, Reject, Template};
pub use lines::{LONGEST, Line, Lines};
pub use reader::{Cards, CardsError, Item};
