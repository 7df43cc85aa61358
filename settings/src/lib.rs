//! TOML settings with units, and errors that point at the line.
//!
//! A file is read into a [`Source`], parsed by [`parse`] into a plain serde type whose quantities carry their units
//! (`clock = "1 GHz"`), and every fault is one [`ConfigError`] that names file, line, key and expectation.
//!
//! ```
//! use pisim_settings::{Frequency, Source, parse};
//! #[derive(serde::Deserialize, Debug)]
//! #[serde(deny_unknown_fields)]
//! struct Engine {
//!     clock: Frequency,
//! }
//! let engine: Engine = parse(&Source::new("e.toml", "clock = \"1 GHz\"")).unwrap();
//! assert_eq!(engine.clock.hz(), 1e9);
//! let error = parse::<Engine>(&Source::new("e.toml", "\nclok = \"1 GHz\"")).unwrap_err();
//! assert_eq!(error.to_string(), "e.toml:2:1: key `clok`: unknown key; expected `clock`; did you mean `clock`?");
//! ```

mod any;
mod change;
mod count;
mod error;
mod layers;
mod locate;
mod nearest;
mod parse;
mod quantity;
mod source;
mod units;

pub use any::AnyQuantity;
pub use change::{Change, ChangeError, Document, DocumentKey, KeyPath};
pub use count::Count;
pub use error::ConfigError;
pub use layers::{Find, Layers};
pub use nearest::{did_you_mean, nearest};
pub use parse::parse;
pub use quantity::QuantityError;
pub use source::Source;
pub use toml::{Spanned, Table, Value};
pub use units::{Area, Bandwidth, BitRate, Bytes, Duration, Energy, EnergyPerBit, Frequency, Power};
