//! One file per command.

pub mod accuracy;
mod against;
pub mod bench;
pub mod calibrate;
pub mod circuit;
pub mod completions;
pub mod explore;
pub mod export;
pub mod hardware;
pub mod infer;
pub mod memory;
pub mod net;
pub mod quantise;
pub mod report;
pub mod requests;
mod row;
pub mod run;
pub mod schema;
pub mod serve;
pub mod simulate;
pub mod sweep;
pub mod validate;
pub mod verify;
