//! The jobs of a program on platforms of one shape: which piece of work runs on which unit, and after which others.

use crate::engine::{Graph, Node};
use crate::error::SimError;
use crate::mapping::unit_of;
use crate::names::activity_number;
use crate::order::Order;
use crate::shape::Shape;
use crate::units::{PARTIES, Place, UnitKind, Units, position_of};
use pisim_protocol::{Party, Phase, Program, Step, StepKind};

/// A piece of work that has a price on a platform. Equal jobs share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A step's work, by its number among the program's different ones, on a unit of its party.
    Step { work: usize, party: Party, unit: UnitKind },
    /// A message, with the bytes that its receiver keeps for the online phase.
    Message { sender: Party, bytes: u64, kept_bytes: u64 },
    /// Writing to a party's storage.
    Store { party: Party, bytes: u64 },
    /// Reading from it.
    Load { party: Party, bytes: u64 },
}

/// What a job is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    /// The step that it is, or that it stores or loads for.
    pub step: usize,
    /// What its unit does for the step.
    pub role: Role,
    /// Its activity, a position in [`Activity::NAMES`](crate::Activity::NAMES).
    pub activity: usize,
}

/// What a job does for its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The step itself.
    Step,
    /// Writes what the step leaves for the online phase to storage.
    Store,
    /// Reads back what the step's layer needs.
    Load,
}

/// A program's jobs on platforms of one shape.
#[derive(Debug)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub units: Units,
    pub pieces: Vec<Piece>,
    /// The jobs; their loads are numbered as `pieces`.
    pub graph: Graph,
    /// Of each job.
    pub tasks: Vec<Task>,
}

impl Layout {
    /// Lays out a program whose steps have the works of `work_of`, by position.
    ///
    /// A message occupies its direction of the link. Where a party has storage, what a step keeps for the online phase is
    /// written there after the step, and read back before the first online step of its layer, in the order of the program
    /// and as early as possible.
    ///
    /// # Errors
    /// A step waits for one that does not run before it.
    pub fn new(program: &Program, work_of: &[usize], shape: Shape) -> Result<Self, SimError> {
        Builder::new(program, work_of, shape).build()
    }
}

/// What a party has put into storage for one layer.
#[derive(Debug, Clone, Default)]
struct Stored {
    bytes: u64,
    writes: Vec<usize>,
}

struct Builder<'a> {
    program: &'a Program,
    work_of: &'a [usize],
    shape: Shape,
    units: Units,
    pieces: Vec<Piece>,
    nodes: Vec<Node>,
    deps: Vec<Vec<usize>>,
    tasks: Vec<Task>,
    /// The job of every step so far.
    job_of: Vec<usize>,
    /// For each party, by layer.
    stored: [Vec<Stored>; 2],
    /// On one machine, the last message: both parties took part in it.
    last_message: Option<usize>,
    order: Order,
}

impl<'a> Builder<'a> {
    fn new(program: &'a Program, work_of: &'a [usize], shape: Shape) -> Self {
        let layers = program.network.network.layers.len();
        Self {
            program,
            work_of,
            shape,
            units: Units::new(&shape),
            pieces: Vec::new(),
            nodes: Vec::new(),
            deps: Vec::new(),
            tasks: Vec::new(),
            job_of: vec![usize::MAX; program.steps.len()],
            stored: PARTIES.map(|_| vec![Stored::default(); layers]),
            last_message: None,
            order: Order::new(&shape),
        }
    }

    fn build(mut self) -> Result<Layout, SimError> {
        for position in self.order.of(self.program) {
            let Some(step) = self.program.steps.get(position) else { continue };
            let mut deps: Vec<usize> = Vec::with_capacity(step.deps.len() + 1);
            for dep in &step.deps {
                // A dependency on a later step has no job yet; the engine names it as an error.
                deps.push(self.job_of.get(dep.0).copied().unwrap_or(usize::MAX));
            }
            deps.extend(self.load(position, step));
            deps.extend(self.last_message);
            let (place, piece) = self.piece(position, step);
            let made = self.push(step.phase, (place, piece), (position, Role::Step), deps);
            if let Some(job) = self.job_of.get_mut(position) {
                *job = made;
            }
            // Parties on one machine copy their messages themselves, in order, as the backend's do: what comes after waits.
            if self.shape.colocated && matches!(step.kind, StepKind::Send(_)) {
                self.last_message = Some(made);
            }
            self.store(position, step, made);
        }
        let deps = self.deps.iter().map(Vec::as_slice);
        let graph = Graph::new(self.units.all.len(), Phase::ALL.len(), self.nodes, deps)?;
        let Self { shape, units, pieces, tasks, .. } = self;
        Ok(Layout { shape, units, pieces, graph, tasks })
    }

    /// What a step is, and where.
    fn piece(&self, position: usize, step: &Step) -> (Place, Piece) {
        if matches!(step.kind, StepKind::Send(_)) {
            let bytes = match step.party {
                Party::Client => step.work.bytes_up,
                Party::Server => step.work.bytes_down,
            };
            let kept_bytes = step.work.stored_client_bytes.saturating_add(step.work.stored_server_bytes);
            return (Place::LinkFrom(step.party), Piece::Message { sender: step.party, bytes, kept_bytes });
        }
        let unit = unit_of(step.kind, step.party, &self.shape);
        let work = self.work_of.get(position).copied().unwrap_or(usize::MAX);
        (Place::At(step.party, unit), Piece::Step { work, party: step.party, unit })
    }

    fn push(&mut self, phase: Phase, what: (Place, Piece), task: (usize, Role), mut deps: Vec<usize>) -> usize {
        let ((place, piece), (step, role)) = (what, task);
        let number = self.nodes.len();
        let doing = self.program.steps.get(step);
        let evaluates = doing.is_some_and(|step| matches!(step.kind, StepKind::HeLinear));
        self.order.chain(number, evaluates, &mut deps);
        let load = self.pieces.iter().position(|known| *known == piece).unwrap_or_else(|| {
            self.pieces.push(piece);
            self.pieces.len() - 1
        });
        // A unit that the platform lacks is out of range, which the engine names as an error.
        let unit = self.units.number(place).unwrap_or(usize::MAX);
        self.nodes.push(Node { unit, phase: phase_number(phase), load });
        self.deps.push(deps);
        self.tasks.push(Task { step, role, activity: doing.map_or(0, |step| activity_number(step, role)) });
        number
    }

    /// Writes what a step keeps for the online phase to storage, for each party that has one.
    fn store(&mut self, position: usize, step: &Step, made: usize) {
        if step.phase == Phase::Online {
            return;
        }
        let kept = [step.work.stored_client_bytes, step.work.stored_server_bytes];
        for (party, bytes) in PARTIES.into_iter().zip(kept) {
            if bytes == 0 || !self.stores(party) {
                continue;
            }
            let what = (Place::At(party, UnitKind::Storage), Piece::Store { party, bytes });
            let write = self.push(step.phase, what, (position, Role::Store), vec![made]);
            if let Some(stored) = self.stored.get_mut(position_of(party)).and_then(|all| all.get_mut(step.layer.0)) {
                stored.bytes += bytes;
                stored.writes.push(write);
            }
        }
    }

    /// Reads back what a party stored for a layer, before its first own online step there.
    fn load(&mut self, position: usize, step: &Step) -> Option<usize> {
        let party = step.party;
        if step.phase != Phase::Online || matches!(step.kind, StepKind::Send(_)) || !self.stores(party) {
            return None;
        }
        let Stored { bytes, writes } = std::mem::take(self.stored.get_mut(position_of(party))?.get_mut(step.layer.0)?);
        if bytes == 0 {
            return None;
        }
        let what = (Place::At(party, UnitKind::Storage), Piece::Load { party, bytes });
        Some(self.push(step.phase, what, (position, Role::Load), writes))
    }

    fn stores(&self, party: Party) -> bool {
        self.shape.parties.get(position_of(party)).is_some_and(|own| own.storage)
    }
}

fn phase_number(phase: Phase) -> usize {
    match phase {
        Phase::Setup => 0,
        Phase::Offline => 1,
        Phase::Online => 2,
    }
}
