//! What the measured times of private runs are held against: a platform of a file, or this machine as it is right now.

use super::calibrate::platform_file;
use anyhow::Result;
use pisim_backend::bench::{Calibration, Effort, calibrate};
use pisim_hw_models::Platform;
use pisim_protocol::Program;
use pisim_reports::{PredictedTimes, VerificationSummary};
use pisim_settings::Source;

/// The name that stands for the machine at hand instead of a platform.
pub const HERE: &str = "here";

/// Where predicted times come from.
pub enum Against {
    /// A platform that does not change.
    Platform(Box<Platform>),
    /// This machine, measured right before and right after every run, because the speed of a machine that others use too
    /// changes within seconds.
    Here {
        /// The platform as it was measured before the run.
        before: Option<Box<Platform>>,
    },
}

impl Against {
    /// The platform of a name, a file, or [`HERE`].
    ///
    /// # Errors
    /// No such platform, or a file that is none.
    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            HERE => Self::Here { before: None },
            _ => Self::Platform(Box::new(Platform::named_or_file(name)?)),
        })
    }

    /// Right before the parties start: measures the machine.
    pub fn start(&mut self) -> Result<()> {
        if let Self::Here { before } = self {
            *before = Some(Box::new(now()?));
        }
        Ok(())
    }

    /// Right after a run: what the simulator says of it.
    pub fn finish(&mut self, program: &Program, run: &VerificationSummary) -> Result<PredictedTimes> {
        Ok(match self {
            Self::Platform(platform) => predicted(program, platform, run)?,
            Self::Here { before } => {
                let after = now()?;
                let late = predicted(program, &after, run)?;
                let early = before.take().map(|before| predicted(program, &before, run)).transpose()?;
                let all: Vec<&PredictedTimes> = early.iter().chain([&late]).collect();
                PredictedTimes::fastest(&all, &run.wall_s).unwrap_or(late)
            }
        })
    }
}

/// This machine as a platform, from a quick calibration.
fn now() -> Result<Platform> {
    let measured: Calibration = calibrate(Effort::Quick, &mut |_| ())?;
    let mut platform = Platform::from_source(&Source::new("the calibrated platform", platform_file(&measured)))?;
    HERE.clone_into(&mut platform.name);
    Ok(platform)
}

/// The simulator's times of the same program, held against the measured ones.
fn predicted(program: &Program, platform: &Platform, measured: &VerificationSummary) -> Result<PredictedTimes> {
    let simulation = pisim_sim::simulate(program, platform)?;
    for step in &simulation.timeline {
        let seconds = step.end_s - step.start_s;
        tracing::debug!(step = step.step, kind = step.kind, unit = step.unit, bound = step.bound, seconds, "predicted");
    }
    let (phases, cores) = (simulation.latency_s.phases(), platform.server.cpu.cores);
    Ok(PredictedTimes::new(&platform.name, phases, &measured.wall_s, platform.colocated, cores))
}
