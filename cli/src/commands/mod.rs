//! One file per command.

pub mod bench;
pub mod calibrate;
pub mod completions;
pub mod explore;
pub mod hardware;
pub mod infer;
pub mod net;
pub mod requests;
pub mod run;
pub mod schema;
pub mod serve;
pub mod simulate;
pub mod validate;
pub mod verify;
