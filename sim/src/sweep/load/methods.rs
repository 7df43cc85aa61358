//! How a sweep file's points are chosen.

use super::super::axis::{Axis, Values};
use super::super::file::{Method as Name, SamplingFile, SearchFile, SweepFile};
use super::super::plan::{MOST_SAMPLES, Method};
use super::super::sampling::Sampling;
use super::super::search::Search;
use super::axes::hint;
use super::expressions::numeric_columns;
use super::{Check, Checked};
use pisim_settings::{ConfigError, Spanned};

/// The most points of one sweep: more take days and terabytes.
const MOST_POINTS: u64 = 1_000_000_000;
/// The most points of one generation: they are compared pair by pair.
const MOST_POPULATION: u64 = 10_000;
/// Dimensions that the Sobol generator has.
const SOBOL_AXES: usize = sobol_burley::NUM_DIMENSIONS as usize;

/// Short names of objectives.
const OBJECTIVES: [(&str, &str); 5] = [
    ("latency", "latency_total_s"),
    ("energy", "energy_total_j"),
    ("area", "area_mm2"),
    ("bytes", "wire_bytes"),
    ("storage", "storage_bytes"),
];

impl Check<'_> {
    pub fn method(&self, file: &SweepFile, axes: &[Axis], combinations: u64) -> Checked<Method> {
        let method = match (&file.sampling, &file.search) {
            (Some(_), Some(search)) => {
                let message = "beside `sampling`; expected one of the two";
                return Err(self.error(search.objectives.span(), "search", message));
            }
            (None, Some(search)) => Method::Search(self.search(search, axes)?),
            (Some(sampling), None) => Method::Sampled(self.sampling(sampling, axes)?),
            (None, None) => Method::Sampled(self.grid(axes)?),
        };
        let each = match &method {
            Method::Sampled(sampling) => sampling.points(),
            Method::Search(search) => search.points(),
        };
        if combinations.saturating_mul(each) > MOST_POINTS {
            let message = format!(
                "{combinations} networks, protocols and platforms of {each} points each; expected at most {MOST_POINTS} in all"
            );
            return Err(ConfigError::at_key(self.source, "axis", message));
        }
        Ok(method)
    }

    fn grid(&self, axes: &[Axis]) -> Checked<Sampling> {
        let mut levels = Vec::new();
        for (position, axis) in axes.iter().enumerate() {
            let Some(count) = axis.levels() else {
                let message = "a continuous range, of which a grid has no points; expected `steps` or `step` in it, or \
                               another sampling";
                return Err(ConfigError::at_key(self.source, &format!("axis[{position}].range"), message));
            };
            levels.push(count);
        }
        Ok(Sampling::Grid { levels })
    }

    fn sampling(&self, file: &SamplingFile, axes: &[Axis]) -> Checked<Sampling> {
        if file.method == Name::Grid {
            let given = [("points", &file.points), ("seed", &file.seed)];
            if let Some((key, value)) = given.iter().find_map(|(key, value)| Some((key, value.as_ref()?))) {
                let message = "a grid has all points of its axes; expected no such key";
                return Err(self.error(value.span(), &format!("sampling.{key}"), message));
            }
            return self.grid(axes);
        }
        if axes.is_empty() {
            return Err(ConfigError::at_key(self.source, "sampling", "nothing to sample; expected an `[[axis]]`"));
        }
        let Some(points) = &file.points else {
            return Err(ConfigError::at_key(self.source, "sampling.points", "missing key; expected how many points"));
        };
        let count = self.count(points, "sampling.points", 1, MOST_SAMPLES)?;
        let seed = file.seed.as_ref().map_or(0, |seed| *seed.get_ref());
        if file.method == Name::Sobol && axes.len() > SOBOL_AXES {
            let message = format!("{} axes; expected at most {SOBOL_AXES} for a Sobol sequence", axes.len());
            return Err(ConfigError::at_key(self.source, "sampling.method", message));
        }
        self.different_points(points, axes)?;
        Ok(match file.method {
            Name::Sobol => Sampling::Sobol { points: count, seed, axes: axes.len() as u32 },
            Name::LatinHypercube => Sampling::latin_hypercube(count, seed, axes.len()),
            Name::Random | Name::Grid => Sampling::random(count, seed),
        })
    }

    /// More samples than there are different points is a grid that the file does not ask for.
    fn different_points(&self, points: &Spanned<u64>, axes: &[Axis]) -> Checked<()> {
        let all = axes.iter().try_fold(1_u64, |all, axis| all.checked_mul(axis.levels()? as u64));
        match all {
            Some(all) if *points.get_ref() > all => {
                let message =
                    format!("{} points of axes that have only {all}; expected fewer, or a grid", points.get_ref());
                Err(self.error(points.span(), "sampling.points", message))
            }
            _ => Ok(()),
        }
    }

    fn count(&self, value: &Spanned<u64>, key: &str, least: u64, most: u64) -> Checked<u64> {
        let count = *value.get_ref();
        if (least..=most).contains(&count) {
            return Ok(count);
        }
        Err(self.error(value.span(), key, format!("{count} is out of range; expected {least} to {most}")))
    }

    fn search(&self, file: &SearchFile, axes: &[Axis]) -> Checked<Search> {
        if axes.is_empty() {
            return Err(ConfigError::at_key(self.source, "search", "nothing to search; expected an `[[axis]]`"));
        }
        if axes.iter().flat_map(|axis| &axis.variables).all(|variable| one(&variable.values)) {
            return Err(ConfigError::at_key(self.source, "search", "one point; expected axes of several values"));
        }
        let mut objectives: Vec<String> = Vec::new();
        for (position, name) in file.objectives.get_ref().iter().enumerate() {
            let key = format!("search.objectives[{position}]");
            let text = name.get_ref().as_str();
            let column = OBJECTIVES.iter().find(|(short, _)| *short == text).map_or(text, |(_, column)| column);
            if !numeric_columns().any(|known| known == column) {
                let short = OBJECTIVES.map(|(short, _)| short);
                let hint = hint(text, short.into_iter().chain(numeric_columns()));
                let expected = format!("expected {}, or a column that holds numbers{hint}", short.join(", "));
                return Err(self.error(name.span(), &key, format!("`{text}` is unknown; {expected}")));
            }
            if objectives.iter().any(|known| known == column) {
                return Err(self.error(name.span(), &key, format!("`{text}` is there twice; expected it once")));
            }
            objectives.push(column.to_owned());
        }
        if objectives.is_empty() {
            return Err(self.error(file.objectives.span(), "search.objectives", "empty; expected one or more"));
        }
        Ok(Search {
            objectives,
            population: self.count(&file.population, "search.population", 4, MOST_POPULATION)? as usize,
            generations: self.count(&file.generations, "search.generations", 1, 1_000_000)?,
            seed: file.seed,
        })
    }
}

fn one(values: &Values) -> bool {
    matches!(values, Values::Listed(listed) if listed.len() == 1)
}
