//! One inference on one platform, or many of both.

use crate::error::SimError;
use crate::prepared::{Prepared, Workspace};
use crate::result::{Level, Simulation};
use pisim_hw_models::Platform;
use pisim_protocol::Program;
use rayon::prelude::*;

/// Simulates one inference of `program` on `platform`: setup, offline and online phase, one after the other.
///
/// A message occupies its direction of the link while it leaves one memory and enters the other, and arrives half a round
/// trip later. A job that reads or writes memory waits one memory latency before its double buffering is under way. Where a
/// party has storage, what a step keeps for the online phase is written there after the step, and read back before the
/// first online step of its layer, in the order of the program and as early as possible.
///
/// A link whose platform gives only the total of its rates is split first, for the least latency of this program.
///
/// Whoever evaluates more than one platform prepares the program once ([`Prepared`]).
///
/// # Errors
/// The program lacks a plan or circuit, or its dependencies are not in order.
pub fn simulate(program: &Program, platform: &Platform) -> Result<Simulation, SimError> {
    Prepared::new(program).simulate(platform, Level::Event, &mut Workspace::default())
}

/// Simulates every program on every platform, on all cores. The results are in order: all platforms of the first program,
/// then of the next. They do not depend on the number of threads.
pub fn simulate_many(programs: &[&Program], platforms: &[&Platform]) -> Vec<Result<Simulation, SimError>> {
    let prepared: Vec<Prepared> = programs.par_iter().map(|program| Prepared::new(program)).collect();
    let points: Vec<(&Prepared, &Platform)> =
        prepared.iter().flat_map(|program| platforms.iter().map(move |platform| (program, *platform))).collect();
    points
        .into_par_iter()
        .map_init(Workspace::default, |workspace, (program, platform)| {
            program.simulate(platform, Level::Event, workspace)
        })
        .collect()
}
