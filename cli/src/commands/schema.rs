//! `pisim schema`.

use crate::Outcome;
use crate::args::{Kind, SchemaArgs};
use crate::experiment;
use crate::output::{Output, write_line};
use anyhow::Result;

pub fn run(args: &SchemaArgs, _output: Output) -> Result<Outcome> {
    let schema = match args.kind {
        Kind::Network => pisim_netgen::network_schema(),
        Kind::Protocol => pisim_protocol::schema(),
        Kind::Hardware => pisim_hw_models::Platform::schema(),
        Kind::Experiment => experiment::schema(),
        Kind::Sweep => pisim_sim::sweep::Sweep::schema(),
    };
    write_line(&serde_json::to_string_pretty(&schema)?)?;
    Ok(Outcome::Done)
}
