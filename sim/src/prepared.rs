//! A program made ready for many platforms.

use crate::account::{self, Run};
use crate::circuits;
use crate::engine;
use crate::error::SimError;
use crate::layout::Layout;
use crate::price::Prices;
use crate::result::{LayerCost, Level, PhaseTraffic, Simulation, Storage, Traffic};
use crate::shape::Shape;
use crate::split;
use crate::summary::{self, Summary};
use crate::work::{Accelerated, StepWork};
use pisim_hw_models::Platform;
use pisim_netgen::Layer;
use pisim_protocol::{Phase, Program, StepKind};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// Everything of a program that does not depend on the platform: the work of every different step in the hardware models'
/// terms, bytes and storage, and, made when first asked for and then kept, its jobs on each shape of platform (which units
/// there are, whether parties share a machine, and how steps are mapped). Evaluating one more platform then costs the
/// prices of the different pieces of work and a run of the engine.
///
/// ```
/// # use pisim_hw_models::Platform;
/// # use pisim_netgen::NetworkSpec;
/// # use pisim_protocol::{Protocol, lower};
/// use pisim_sim::{Level, Prepared, Workspace};
/// let network = NetworkSpec::named("minionn")?.build()?;
/// let program = lower(&network, &Protocol::load("ring-gc")?)?;
/// let (prepared, mut workspace) = (Prepared::new(&program), Workspace::default());
/// let mut platform = Platform::builtin("haac-hbm2")?;
/// let sixteen_engines = prepared.summarize(&platform, Level::Event, &mut workspace)?;
/// if let Some(engine) = &mut platform.server.gc_engine {
///     engine.engines = 1;
/// }
/// let one_engine = prepared.summarize(&platform, Level::Event, &mut workspace)?;
/// assert!(one_engine.latency_s.total > sixteen_engines.latency_s.total);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(crate) program: Cow<'a, Program>,
    /// The different works of the steps.
    works: Vec<StepWork>,
    /// Which of them each step has; messages have none.
    work_of: Vec<usize>,
    layouts: Mutex<Vec<Arc<Layout>>>,
    pub(crate) bytes: PhaseTraffic,
    pub(crate) storage_bytes: Storage,
    /// Every layer with its names and no costs.
    pub(crate) layers: Vec<LayerCost>,
}

/// Space that evaluations reuse, so that they do not allocate: one for each thread.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) prices: Prices,
    pub(crate) engine: engine::Workspace,
}

impl<'a> Prepared<'a> {
    /// Prepares a program. What it lacks is an error of the evaluations that need it.
    pub fn new(program: &'a Program) -> Self {
        Self::of(Cow::Borrowed(program))
    }

    /// Prepares a program and keeps it.
    pub fn owned(program: Program) -> Prepared<'static> {
        Prepared::of(Cow::Owned(program))
    }

    fn of(program: Cow<'a, Program>) -> Self {
        let mut works: Vec<StepWork> = Vec::new();
        let mut work_of = Vec::with_capacity(program.steps.len());
        for step in &program.steps {
            if matches!(step.kind, StepKind::Send(_)) {
                work_of.push(usize::MAX);
                continue;
            }
            let work = StepWork::of(&program, step);
            work_of.push(works.iter().position(|known| *known == work).unwrap_or_else(|| {
                works.push(work);
                works.len() - 1
            }));
        }
        let (bytes, storage_bytes, layers) = (bytes(&program), storage(&program), layers(&program));
        Self { program, works, work_of, layouts: Mutex::default(), bytes, storage_bytes, layers }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Evaluates one inference on `platform`, with every layer and step. At [`Level::Event`] it is what
    /// [`simulate`](crate::simulate()) returns; at [`Level::ClosedForm`], steps are as if they shared nothing.
    ///
    /// # Errors
    /// As [`simulate`](crate::simulate()).
    pub fn simulate(
        &self,
        platform: &Platform,
        level: Level,
        workspace: &mut Workspace,
    ) -> Result<Simulation, SimError> {
        let settled = self.settled(platform, level, workspace)?;
        let layout = self.evaluate(&settled, level, workspace)?;
        if level == Level::ClosedForm {
            let Workspace { prices, engine } = workspace;
            engine.time_estimate(&layout.graph, &prices.loads);
        }
        let mut simulation =
            account::account(&Run { prepared: self, platform: &settled, level, layout: &layout, workspace })?;
        simulation.link.optimal_split = platform.link.optimal_split;
        Ok(simulation)
    }

    /// Evaluates one inference on `platform` without the detail of layers and steps.
    ///
    /// # Errors
    /// As [`simulate`](crate::simulate()).
    pub fn summarize(&self, platform: &Platform, level: Level, workspace: &mut Workspace) -> Result<Summary, SimError> {
        let settled = self.settled(platform, level, workspace)?;
        let layout = self.evaluate(&settled, level, workspace)?;
        let mut summary = summary::summarize(self, &settled, level, &layout, workspace);
        summary.link.optimal_split = platform.link.optimal_split;
        Ok(summary)
    }

    /// The platform with its link's total rate split, if it leaves that open, so that this level's latency is least.
    pub(crate) fn settled<'p>(
        &self,
        platform: &'p Platform,
        level: Level,
        workspace: &mut Workspace,
    ) -> Result<Cow<'p, Platform>, SimError> {
        if !platform.link.optimal_split {
            return Ok(Cow::Borrowed(platform));
        }
        let latency_s = |split: &Platform| {
            self.evaluate(split, level, workspace)?;
            Ok(workspace.engine.phases.iter().map(|phase| phase.latency_s).sum())
        };
        Ok(Cow::Owned(split::resolved(&self.program, platform, latency_s)?))
    }

    /// Runs or estimates the jobs on a platform whose link rates are settled; the workspace then holds prices and sums.
    pub(crate) fn evaluate(
        &self,
        platform: &Platform,
        level: Level,
        workspace: &mut Workspace,
    ) -> Result<Arc<Layout>, SimError> {
        self.evaluate_with(platform, level, workspace, |_, _| ())
    }

    /// As [`Prepared::evaluate`], with prices that `change` changes first.
    pub(crate) fn evaluate_with(
        &self,
        platform: &Platform,
        level: Level,
        workspace: &mut Workspace,
        change: impl FnOnce(&Layout, &mut Prices),
    ) -> Result<Arc<Layout>, SimError> {
        let layout = self.layout(Shape::of(platform))?;
        circuits::check(&self.program, platform)?;
        let Workspace { prices, engine } = workspace;
        prices.set(&self.program, &self.works, &layout, platform)?;
        change(&layout, prices);
        match level {
            Level::Event => layout.graph.run(&prices.machine, &prices.loads, engine)?,
            Level::ClosedForm => layout.graph.estimate(&prices.machine, &prices.loads, engine)?,
        }
        Ok(layout)
    }

    /// A step's work on an accelerator, if there can be one for it.
    pub(crate) fn accelerated(&self, step: usize) -> Option<&Accelerated> {
        self.works.get(*self.work_of.get(step)?)?.accelerated.as_ref()?.as_ref().ok()
    }

    /// The jobs on platforms of a shape.
    fn layout(&self, shape: Shape) -> Result<Arc<Layout>, SimError> {
        // A thread that panicked while it held the lock has left complete layouts.
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = layouts.iter().find(|layout| layout.shape == shape) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Layout::new(&self.program, &self.work_of, shape)?);
        layouts.push(Arc::clone(&made));
        Ok(made)
    }
}

fn bytes(program: &Program) -> PhaseTraffic {
    let [setup, offline, online] = Phase::ALL.map(|phase| {
        let work = program.work_of(|step| step.phase == phase);
        Traffic { up: work.bytes_up, down: work.bytes_down }
    });
    PhaseTraffic { setup, offline, online }
}

fn storage(program: &Program) -> Storage {
    let work = program.work_of(|_| true);
    Storage { client: work.stored_client_bytes, server: work.stored_server_bytes }
}

fn layers(program: &Program) -> Vec<LayerCost> {
    let network = &program.network.network;
    let layer = |layer: &Layer| LayerCost {
        id: layer.name.clone(),
        kind: layer.op.kind().to_owned(),
        stage: network.stages.get(layer.stage).cloned().unwrap_or_default(),
        ..LayerCost::default()
    };
    network.layers.iter().map(layer).collect()
}
