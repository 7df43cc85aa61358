//! The experiment: for every seed a full network is trained, teaches all others, and each of them is measured.

use crate::TrainError;
use crate::data::DataSet;
use crate::family::{Member, Method, family};
use crate::finished::Finished;
use crate::fit::{Lessons, RATES, fit};
use crate::loss::Distillation;
use crate::measure::{MeasureError, Measured, Place, measure};
use crate::snl::{self, Lasso};
use crate::trainable::Trainable;
use candle_core::Tensor;
use pisim_netgen::{Model, Network};
use rayon::prelude::*;

/// What is trained and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The network with all its ReLUs.
    pub base: Network,
    /// ReLUs that learnt and random masks leave.
    pub budgets: Vec<u64>,
    /// How often the channels of the culled and thinned network are halved.
    pub halvings: u32,
    /// Epochs of a training from random weights; one from trained weights has half as many.
    pub epochs: usize,
    /// The first seed.
    pub seed: u64,
    /// Trainings with the seeds that follow, the first included.
    pub seeds: u64,
    /// How the full network teaches all others; not at all without.
    pub distillation: Option<Distillation>,
    /// How masks are learnt.
    pub lasso: Lasso,
}

impl Plan {
    /// Epochs of a training from trained weights.
    pub fn tuning_epochs(&self) -> usize {
        self.epochs.div_ceil(2)
    }

    /// The seeds.
    pub fn seeds(&self) -> impl Iterator<Item = u64> {
        (0..self.seeds).map(|number| self.seed.wrapping_add(number))
    }

    /// Epochs of everything but the paths of learnt masks, whose length nobody knows before.
    pub fn known_epochs(&self, members: usize) -> usize {
        let budgets = self.budgets.len();
        let scratch = members.saturating_sub(budgets) * self.epochs;
        (scratch + 2 * budgets * self.tuning_epochs()) * usize::try_from(self.seeds).unwrap_or(usize::MAX)
    }
}

/// A network of the family, trained with one seed and measured.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it was made.
    pub method: Method,
    /// What was done to the base.
    pub steps: String,
    /// The seed.
    pub seed: u64,
    /// Epochs on the way to its weights, its teacher's not counted.
    pub epochs: usize,
    /// What came out.
    pub measured: Measured,
    /// The network with its weights.
    pub model: Model,
}

/// What happens while an experiment runs.
pub trait Watch: Sync {
    /// So many epochs will follow that nobody knew of.
    fn more(&self, epochs: u64);
    /// An epoch has ended.
    fn epoch(&self);
}

/// A full network of one seed, and whom it teaches.
struct Teacher {
    seed: u64,
    trained: Trainable,
    finished: Finished,
    model: Model,
    pupils: Vec<Member>,
}

/// A piece of work after the teachers.
enum Task<'a> {
    /// The full network itself.
    Measure(&'a Teacher),
    /// A network from random weights, or with random masks from the teacher's.
    Pupil(&'a Teacher, &'a Member),
    /// All networks with learnt masks.
    Path(&'a Teacher),
}

struct Experiment<'a> {
    plan: &'a Plan,
    data: &'a DataSet,
    place: &'a Place,
    watch: &'a dyn Watch,
    /// All training pictures, for batch norms.
    all: Tensor,
}

/// Runs an experiment on all cores. The outcomes are in order of seeds, methods and falling ReLUs, and do not depend on
/// the number of threads.
///
/// # Errors
/// The first network that cannot be trained or measured.
pub fn run(plan: &Plan, data: &DataSet, place: &Place, watch: &dyn Watch) -> Result<Vec<Outcome>, MeasureError> {
    snl::check_budgets(&plan.base, &plan.budgets)?;
    let all = data.train.all().map_err(TrainError::from)?.inputs;
    let experiment = Experiment { plan, data, place, watch, all };
    let seeds: Vec<u64> = plan.seeds().collect();
    let teachers: Vec<Teacher> =
        seeds.into_par_iter().with_max_len(1).map(|seed| experiment.teacher(seed)).collect::<Result<_, _>>()?;
    let mut tasks = Vec::new();
    // The longest first.
    tasks.extend(teachers.iter().map(Task::Path));
    for teacher in &teachers {
        tasks.extend(teacher.pupils.iter().map(|member| Task::Pupil(teacher, member)));
    }
    tasks.extend(teachers.iter().map(Task::Measure));
    let found: Vec<Vec<Outcome>> =
        tasks.into_par_iter().with_max_len(1).map(|task| experiment.work(&task)).collect::<Result<_, _>>()?;
    let mut outcomes = found.concat();
    outcomes.sort_by_key(|outcome| {
        (outcome.seed.wrapping_sub(plan.seed), outcome.method, std::cmp::Reverse(outcome.measured.counts.relus))
    });
    Ok(outcomes)
}

impl Experiment<'_> {
    fn lessons<'a>(&'a self, seed: u64, teacher: Option<&'a Finished>, progress: &'a (dyn Fn() + Sync)) -> Lessons<'a> {
        let teacher = teacher.zip(self.plan.distillation);
        Lessons { pictures: &self.data.train, teacher, seed, progress }
    }

    fn teacher(&self, seed: u64) -> Result<Teacher, TrainError> {
        let mut members = family(&self.plan.base, &self.plan.budgets, self.plan.halvings, seed)?;
        let pupils = members.split_off(1);
        let trained = Trainable::random(self.plan.base.clone(), seed)?;
        let progress = || self.watch.epoch();
        fit(&trained, &self.lessons(seed, None, &progress), self.plan.epochs, RATES[0])?;
        let model = trained.fold(&self.all)?;
        Ok(Teacher { seed, finished: Finished::new(&model)?, trained, model, pupils })
    }

    fn work(&self, task: &Task<'_>) -> Result<Vec<Outcome>, MeasureError> {
        match task {
            Task::Measure(teacher) => {
                let measured = measure(&teacher.model, self.data, self.place)?;
                let (steps, epochs, model) = ("nothing".to_owned(), self.plan.epochs, teacher.model.clone());
                Ok(vec![Outcome { method: Method::Full, steps, seed: teacher.seed, epochs, measured, model }])
            }
            Task::Pupil(teacher, member) => Ok(vec![self.pupil(teacher, member)?]),
            Task::Path(teacher) => self.path(teacher),
        }
    }

    fn pupil(&self, teacher: &Teacher, member: &Member) -> Result<Outcome, MeasureError> {
        // Masks are for trained weights, as the paper has it; other networks learn from the beginning.
        let (network, epochs, rate) = if member.method == Method::Random {
            (teacher.trained.onto(member.network.clone())?, self.plan.tuning_epochs(), RATES[1])
        } else {
            (Trainable::random(member.network.clone(), teacher.seed)?, self.plan.epochs, RATES[0])
        };
        let progress = || self.watch.epoch();
        fit(&network, &self.lessons(teacher.seed, Some(&teacher.finished), &progress), epochs, rate)?;
        let model = network.fold(&self.all)?;
        let measured = measure(&model, self.data, self.place)?;
        Ok(Outcome { method: member.method, steps: member.steps.clone(), seed: teacher.seed, epochs, measured, model })
    }

    fn path(&self, teacher: &Teacher) -> Result<Vec<Outcome>, MeasureError> {
        let on_the_way = || {
            self.watch.more(1);
            self.watch.epoch();
        };
        let lessons = self.lessons(teacher.seed, Some(&teacher.finished), &on_the_way);
        let path = snl::learn(&teacher.trained, &self.plan.budgets, &lessons, &self.plan.lasso)?;
        let progress = || self.watch.epoch();
        let lessons = Lessons { progress: &progress, ..lessons };
        let epochs = path.epochs + self.plan.tuning_epochs();
        let tune = |network: &Trainable| -> Result<Outcome, MeasureError> {
            fit(network, &lessons, self.plan.tuning_epochs(), RATES[1])?;
            let model = network.fold(&self.all)?;
            let measured = measure(&model, self.data, self.place)?;
            let steps = format!("mask: {} learnt", measured.counts.relus);
            Ok(Outcome { method: Method::Learnt, steps, seed: teacher.seed, epochs, measured, model })
        };
        path.networks.par_iter().with_max_len(1).map(tune).collect()
    }
}
