//! Recipes: which simulations make the figures of a published study, as TOML.

use super::Gallery;
use crate::commands::requests::{all_series, default_rates};
use crate::experiment::NetworkEntry;
use crate::select;
use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use pisim_hw_models::{MIN_SHARE, Platform, UpShare};
use pisim_protocol::{Program, Protocol};
use pisim_reports::figures::{self, Base, Columns, Compared, Figure, Lines, Series};
use pisim_reports::format::Quantity;
use pisim_reports::{RequestSeries, tables};
use pisim_settings::{BitRate, Bytes, ConfigError, Source, Spanned, did_you_mean, parse};
use pisim_sim::requests::{Load, RequestConfig, Service};
use pisim_sim::validate::{breakdowns, validate};
use pisim_sim::{Level, Prepared, Simulation, Workspace, simulate};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Map;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../reports/recipes");

/// A recipe file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    /// What the figures are together.
    title: String,
    /// Where the study was published, and what differs from it here.
    about: String,
    /// Networks by homomorphic, garbled-circuit and total time.
    #[serde(default)]
    compare: Vec<CompareEntry>,
    /// Latency against arrival rate.
    #[serde(default)]
    requests: Vec<RequestsEntry>,
    /// Latency against the split of a link's total rate.
    #[serde(default)]
    split: Vec<SplitEntry>,
    /// Published figures next to modelled ones.
    #[serde(default)]
    published: Vec<PublishedFigure>,
}

/// Networks side by side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompareEntry {
    name: String,
    title: String,
    protocol: Spanned<String>,
    hardware: Spanned<String>,
    group: Vec<GroupEntry>,
}

/// Networks under one heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    heading: String,
    network: Vec<NetworkEntry>,
}

/// Streams of requests under several protocols.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestsEntry {
    name: String,
    title: String,
    network: NetworkEntry,
    protocol: Vec<Spanned<String>>,
    hardware: Spanned<String>,
    up: Option<BitRate>,
    down: Option<BitRate>,
    client_storage: Bytes,
    server_storage: Bytes,
    hours: f64,
    runs: u32,
    seed: u64,
}

/// A total rate, split in many ways.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitEntry {
    name: String,
    title: String,
    network: NetworkEntry,
    protocol: Vec<Spanned<String>>,
    hardware: Spanned<String>,
    total: BitRate,
    /// Splits, in equal steps of the part that goes up.
    splits: u32,
}

/// A figure that has published values.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PublishedFigure {
    /// Homomorphic evaluation by layer.
    Layers,
    /// One inference by phase and garbler.
    Latency,
    /// Bytes of one precompute by garbler.
    Storage,
    /// Homomorphic evaluation with one layer on each thread.
    LayerParallel,
}

/// The built-in recipes.
pub fn names() -> Vec<&'static str> {
    BUILTIN.files().filter_map(|file| file.path().file_stem()?.to_str()).collect()
}

pub fn gallery(name: &str, columns: Columns) -> Result<Gallery> {
    let source = if name.ends_with(".toml") { Source::read(name)? } else { builtin(name)? };
    let recipe = Recipe { file: parse(&source)?, source };
    let (mut figures, mut text) = (Vec::new(), vec![recipe.file.title.clone(), recipe.file.about.trim().to_owned()]);
    for entry in &recipe.file.compare {
        let (figure, table) = recipe.compare(entry, columns)?;
        figures.push(figure);
        text.extend([entry.title.clone(), table]);
    }
    for entry in &recipe.file.requests {
        let (figure, table) = recipe.requests(entry, columns)?;
        figures.push(figure);
        text.extend([entry.title.clone(), table]);
    }
    for entry in &recipe.file.split {
        figures.push(recipe.split(entry, columns)?);
    }
    for kind in &recipe.file.published {
        figures.push(published(*kind, columns)?);
    }
    let mut found = Map::new();
    found.insert("recipe".to_owned(), name.into());
    found.insert("title".to_owned(), recipe.file.title.as_str().into());
    found.insert("about".to_owned(), recipe.file.about.trim().into());
    Ok(Gallery { figures, found, text: text.join("\n\n"), others: Vec::new(), page: None })
}

fn builtin(name: &str) -> Result<Source> {
    let file = BUILTIN.get_file(format!("{name}.toml")).and_then(|file| file.contents_utf8());
    let text = file.with_context(|| {
        let hint = did_you_mean(name, names());
        format!("unknown recipe `{name}`; expected a .toml file or one of {}{hint}", names().join(", "))
    })?;
    Ok(Source::new(format!("reports/recipes/{name}.toml"), text))
}

/// A recipe with its text, for errors.
struct Recipe {
    file: RecipeFile,
    source: Source,
}

impl Recipe {
    fn at(&self, value: &Spanned<String>, key: &str, error: &dyn std::fmt::Display) -> ConfigError {
        ConfigError::at(&self.source, value.span(), key, error.to_string())
    }

    fn program(&self, network: &NetworkEntry, protocol: &Spanned<String>) -> Result<Program> {
        let built = network
            .choose()
            .map(|chosen| chosen.network)
            .map_err(|error| self.at(&network.name, "network.name", &format!("{error:#}")))?;
        let name = protocol.get_ref();
        let loaded = Protocol::load(name).map_err(|error| self.at(protocol, "protocol", &error))?;
        select::program(&built, &loaded, name)
    }

    fn platform(&self, hardware: &Spanned<String>) -> Result<Platform> {
        Ok(Platform::named_or_file(hardware.get_ref()).map_err(|error| self.at(hardware, "hardware", &error))?)
    }

    fn compare(&self, entry: &CompareEntry, columns: Columns) -> Result<(Figure, String)> {
        let platform = self.platform(&entry.hardware)?;
        let all: Vec<(usize, &NetworkEntry)> = entry
            .group
            .iter()
            .enumerate()
            .flat_map(|(number, group)| group.network.iter().map(move |n| (number, n)))
            .collect();
        let one = |(group, network): &(usize, &NetworkEntry)| -> Result<(usize, Compared)> {
            let program = self.program(network, &entry.protocol)?;
            let simulation = simulate(&program, &platform)?;
            let counts = program.network.network.counts();
            Ok((*group, Compared { group: String::new(), relus: counts.relus, macs: counts.macs, simulation }))
        };
        let simulated: Vec<(usize, Compared)> = all.par_iter().map(one).collect::<Result<_>>()?;
        let mut compared = Vec::with_capacity(simulated.len());
        for (number, group) in entry.group.iter().enumerate() {
            let members: Vec<&Compared> =
                simulated.iter().filter(|(own, _)| *own == number).map(|(_, one)| one).collect();
            let relus = || members.iter().map(|one| one.relus);
            let (low, high) = (relus().min().unwrap_or(0), relus().max().unwrap_or(0));
            let count = |relus: u64| Quantity::Count.format(relus as f64);
            let range = if low == high { count(low) } else { format!("{} to {}", count(low), count(high)) };
            let heading = format!("{}: {range} ReLUs", group.heading);
            compared.extend(members.into_iter().map(|one| Compared { group: heading.clone(), ..one.clone() }));
        }
        let simulations: Vec<Simulation> = compared.iter().map(|one| one.simulation.clone()).collect();
        let mut figure = figures::compared(&compared, &entry.name, &entry.title, columns);
        figure.caption =
            format!("{} under {} on {}. {}", entry.title, entry.protocol.get_ref(), platform.name, figure.caption);
        Ok((figure, tables::simulations(&simulations)))
    }

    fn requests(&self, entry: &RequestsEntry, columns: Columns) -> Result<(Figure, String)> {
        let mut platform = self.platform(&entry.hardware)?;
        let link = &mut platform.link;
        link.up_bits_per_s = entry.up.map_or(link.up_bits_per_s, BitRate::bits_per_s);
        link.down_bits_per_s = entry.down.map_or(link.down_bits_per_s, BitRate::bits_per_s);
        let one =
            |protocol| -> Result<Simulation> { Ok(simulate(&self.program(&entry.network, protocol)?, &platform)?) };
        let simulations: Vec<Simulation> = entry.protocol.iter().map(one).collect::<Result<_>>()?;
        let services: Vec<Service> = simulations.iter().map(Service::new).collect();
        let mut config = RequestConfig {
            hours: entry.hours,
            client_storage_bytes: entry.client_storage.bytes(),
            server_storage_bytes: entry.server_storage.bytes(),
            ..RequestConfig::default()
        };
        let rates_per_s = default_rates(&services, &config)?.0;
        config.load = Load::Poisson { rates_per_s, runs: entry.runs, seed: entry.seed };
        let series: Vec<RequestSeries> = all_series(&simulations, services, &config)?;
        let mut figure = figures::requests(&series, columns);
        figure.name.clone_from(&entry.name);
        figure.title.clone_from(&entry.title);
        Ok((figure, tables::requests(&series)))
    }

    fn split(&self, entry: &SplitEntry, columns: Columns) -> Result<Figure> {
        let platform = self.platform(&entry.hardware)?;
        let steps = entry.splits.max(2) - 1;
        let shares: Vec<f64> = (0..=steps)
            .map(|step| (f64::from(step) / f64::from(steps)).clamp(10.0 * MIN_SHARE, 1.0 - 10.0 * MIN_SHARE))
            .collect();
        let series = |protocol: &Spanned<String>| -> Result<Series> {
            let program = self.program(&entry.network, protocol)?;
            let prepared = Prepared::new(&program);
            let at = |workspace: &mut Workspace, share: &f64| -> Result<(f64, f64)> {
                let mut split = platform.clone();
                split.link.set_total(entry.total.bits_per_s(), UpShare::Fixed(*share));
                let summary = prepared.summarize(&split, Level::Event, workspace)?;
                Ok((100.0 * share, summary.latency_s.total))
            };
            let points = shares.par_iter().map_init(Workspace::default, at).collect::<Result<_>>()?;
            Ok(Series { name: protocol.get_ref().clone(), points, published: false })
        };
        let all = Lines {
            name: entry.name.clone(),
            title: entry.title.clone(),
            caption: format!(
                "Latency of one inference, all phases, on {}, with {} for both directions together, split between \
                 them. Stars: the best split of each protocol.",
                platform.name, entry.total
            ),
            across: "Part of the total rate that goes up (%)".to_owned(),
            base: Base::Percent,
            up: "Latency".to_owned(),
            quantity: Quantity::Seconds,
            series: entry.protocol.iter().map(series).collect::<Result<_>>()?,
            mark_least: true,
        };
        Ok(figures::lines(&all, columns))
    }
}

/// A figure with published values, labelled as such.
fn published(kind: PublishedFigure, columns: Columns) -> Result<Figure> {
    Ok(match kind {
        PublishedFigure::Layers => figures::published_layers(&validate(Some("he-evaluation"))?, columns),
        PublishedFigure::Latency => figures::published_latency(&breakdowns()?, columns),
        PublishedFigure::Storage => figures::published_storage(&breakdowns()?),
        PublishedFigure::LayerParallel => layer_parallel(columns)?,
    })
}

fn layer_parallel(columns: Columns) -> Result<Figure> {
    let targets = validate(Some("layer-parallel"))?;
    let cases = || targets.iter().flat_map(|target| &target.details);
    let threads = |case: &str| case.split(' ').next().and_then(|count| count.parse::<f64>().ok());
    let series = |name: &str, published: bool| Series {
        name: name.to_owned(),
        points: cases()
            .filter_map(|case| Some((threads(&case.case)?, if published { case.published } else { case.modelled })))
            .collect(),
        published,
    };
    let all = Lines {
        name: "published-layer-parallel".to_owned(),
        title: "Homomorphic evaluation with one layer on each thread".to_owned(),
        caption: "All convolutions of ResNet-18 under Delphi on an AMD EPYC 7502, each on one thread (Garimella et \
                  al., ASPLOS 2023)."
            .to_owned(),
        across: "Threads".to_owned(),
        base: Base::Values(Quantity::Plain),
        up: "Homomorphic evaluation".to_owned(),
        quantity: Quantity::Seconds,
        series: vec![series("ResNet-18", false), series("ResNet-18", true)],
        mark_least: false,
    };
    Ok(figures::lines(&all, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_recipe_is_a_recipe_whose_networks_protocols_and_platforms_exist() {
        assert!(names().len() >= 2, "{:?}", names());
        for name in names() {
            let source = builtin(name).unwrap();
            let file: RecipeFile = parse(&source).unwrap_or_else(|error| panic!("{error}"));
            let recipe = Recipe { file, source };
            assert!(!recipe.file.about.is_empty(), "{name} does not say where it comes from");
            for entry in &recipe.file.compare {
                recipe.platform(&entry.hardware).unwrap();
                Protocol::load(entry.protocol.get_ref()).unwrap();
                for group in &entry.group {
                    let relus: Vec<u64> =
                        group.network.iter().map(|network| network.choose().unwrap().network.counts().relus).collect();
                    // Comparisons at equal ReLUs are of networks within a fifth of each other.
                    let (low, high) = (relus.iter().min().unwrap(), relus.iter().max().unwrap());
                    assert!(*high as f64 <= 1.2 * *low as f64, "{name}, {}: {relus:?}", group.heading);
                }
            }
        }
    }

    #[test]
    fn a_wrong_name_points_at_its_line() {
        let text = "title = \"t\"\nabout = \"a\"\n[[split]]\nname = \"s\"\ntitle = \"t\"\nnetwork = { name = \
                    \"resnet81\" }\n protocol = [\"delphi\"]\nhardware = \"epyc7502-atom\"\ntotal = \"1 \
                    Gbps\"\nsplits = 3\n";
        let source = Source::new("r.toml", text);
        let recipe = Recipe { file: parse(&source).unwrap(), source };
        let error = recipe.split(&recipe.file.split[0], Columns::One).unwrap_err().to_string();
        assert!(error.starts_with("r.toml:6:") && error.contains("resnet81"), "{error}");
    }
}
