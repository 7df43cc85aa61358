//! Networks as TOML files, with errors that point at the line. The files in `configs/networks` are compiled in.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use pisim_settings::{ConfigError, Source, Spanned, parse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transform::from_table;
use crate::{ActivationSpec, NetworkError, NetworkSpec, Pool, StageSpec, Stem, Transform};

/// A network file: a family and its options. Every key but `family` may be left out.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Network")]
struct NetworkFile {
    /// One line for lists.
    description: Option<String>,
    /// A built-in family (`resnet18`, `hrn-5x5x3x`, …), or `residual` with explicit `stages`.
    #[schemars(with = "String")]
    family: Spanned<String>,
    /// Rows and columns of the input; 32 if left out.
    #[schemars(with = "Option<usize>")]
    input: Option<Spanned<usize>>,
    /// Channels of the input: 3 (colour) if left out, 1 for grey.
    #[schemars(with = "Option<usize>")]
    input_channels: Option<Spanned<usize>>,
    /// Number of logits; by default 200 at input 64, 1000 at 224, otherwise the family's number.
    #[schemars(with = "Option<usize>")]
    classes: Option<Spanned<usize>>,
    /// Channels of the stem (or of the first stage); by default the family's number.
    #[schemars(with = "Option<usize>")]
    base_channels: Option<Spanned<usize>>,
    /// Blocks per stage of a ResNet or HybReNet.
    #[schemars(with = "Option<Vec<usize>>")]
    depths: Option<Spanned<Vec<usize>>>,
    /// How a residual network begins: `cifar` (3x3, stride 1) or `imagenet` (7x7, stride 2, max pool).
    #[schemars(with = "Option<Stem>")]
    stem: Option<Spanned<Stem>>,
    /// Whether the blocks of a residual network have shortcuts and additions; true if left out. Without them it is a chain of
    /// convolutions, as the networks that Delphi's published code times.
    #[schemars(with = "Option<bool>")]
    shortcuts: Option<Spanned<bool>>,
    /// Rows and columns of the window of the average pool before a residual network's classifier; if left out, each channel is
    /// pooled to one value.
    #[schemars(with = "Option<usize>")]
    head_pool: Option<Spanned<usize>>,
    /// The pools of an ImageNet stem, of VGG-16 or of MiniONN's network: `max` or `average`. If left out, a stem has a max pool
    /// and the others average.
    #[schemars(with = "Option<Pool>")]
    pool: Option<Spanned<Pool>>,
    /// Activations of stages that have others than ReLUs, for example `{ stem = "relu6", s1 = { leaky-relu = 0.125 },
    /// s2 = "prelu" }`.
    #[schemars(with = "Option<BTreeMap<String, ActivationSpec>>")]
    activations: Option<Spanned<BTreeMap<String, ActivationSpec>>>,
    /// Stages of the family `residual`, in order: `s1`, `s2`, …
    #[schemars(with = "Option<Vec<StageSpec>>")]
    stages: Option<Spanned<Vec<StageSpec>>>,
    /// Stages whose ReLUs are dropped, for example `["stem", "s1"]`.
    #[schemars(with = "Option<Vec<String>>")]
    cull: Option<Spanned<Vec<String>>>,
    /// Drop the ReLU between the convolutions of each block.
    thin: Option<bool>,
    /// What else is done to the network, in this order: tables `[[transform]]` with a `kind` and its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Transform>")]
    transform: Vec<toml::Table>,
}

impl NetworkFile {
    /// Where the value of an option stands; the family's, for everything that no single option causes.
    fn span(&self, key: &str) -> (&'static str, std::ops::Range<usize>) {
        let of = |key, span: Option<std::ops::Range<usize>>| span.map(|span| (key, span));
        let place = match key {
            "input" => of("input", self.input.as_ref().map(Spanned::span)),
            "input_channels" => of("input_channels", self.input_channels.as_ref().map(Spanned::span)),
            "classes" => of("classes", self.classes.as_ref().map(Spanned::span)),
            "base_channels" => of("base_channels", self.base_channels.as_ref().map(Spanned::span)),
            "depths" => of("depths", self.depths.as_ref().map(Spanned::span)),
            "stem" => of("stem", self.stem.as_ref().map(Spanned::span)),
            "shortcuts" => of("shortcuts", self.shortcuts.as_ref().map(Spanned::span)),
            "head_pool" => of("head_pool", self.head_pool.as_ref().map(Spanned::span)),
            "pool" => of("pool", self.pool.as_ref().map(Spanned::span)),
            "activations" => of("activations", self.activations.as_ref().map(Spanned::span)),
            "cull" => of("cull", self.cull.as_ref().map(Spanned::span)),
            key if key.starts_with("stages") => of("stages", self.stages.as_ref().map(Spanned::span)),
            _ => None,
        };
        place.unwrap_or_else(|| ("family", self.family.span()))
    }

    fn of(spec: &NetworkSpec) -> Self {
        let defaults = NetworkSpec::of_family(&spec.name, &spec.family);
        fn changed<T: PartialEq + Clone>(value: &T, default: &T) -> Option<Spanned<T>> {
            (value != default).then(|| Spanned::new(0..0, value.clone()))
        }
        let given = |value: Option<usize>| value.map(|value| Spanned::new(0..0, value));
        Self {
            description: Some(spec.description.clone()).filter(|description| !description.is_empty()),
            family: Spanned::new(0..0, spec.family.clone()),
            input: changed(&spec.input_size, &defaults.input_size),
            input_channels: changed(&spec.input_channels, &defaults.input_channels),
            classes: given(spec.classes),
            base_channels: given(spec.base_channels),
            depths: spec.depths.clone().map(|depths| Spanned::new(0..0, depths)),
            stem: changed(&spec.stem, &defaults.stem),
            shortcuts: changed(&spec.shortcuts, &defaults.shortcuts),
            head_pool: given(spec.head_pool),
            pool: spec.pool.map(|pool| Spanned::new(0..0, pool)),
            activations: changed(&spec.activations, &defaults.activations),
            stages: changed(&spec.stages, &defaults.stages),
            cull: changed(&spec.cull, &defaults.cull),
            thin: (spec.thin != defaults.thin).then_some(spec.thin),
            // No transform is anything but a table.
            transform: spec.transforms.iter().filter_map(|transform| toml::Table::try_from(transform).ok()).collect(),
        }
    }

    fn spec(&self, name: &str) -> NetworkSpec {
        let defaults = NetworkSpec::of_family(name, self.family.get_ref());
        let number = |value: &Option<Spanned<usize>>| value.as_ref().map(|value| *value.get_ref());
        NetworkSpec {
            description: self.description.clone().unwrap_or_else(|| format!("a {} network", self.family.get_ref())),
            input_size: number(&self.input).unwrap_or(defaults.input_size),
            input_channels: number(&self.input_channels).unwrap_or(defaults.input_channels),
            classes: number(&self.classes),
            base_channels: number(&self.base_channels),
            depths: self.depths.as_ref().map(|depths| depths.get_ref().clone()),
            stages: self.stages.as_ref().map(|stages| stages.get_ref().clone()).unwrap_or_default(),
            stem: self.stem.as_ref().map_or(defaults.stem, |stem| *stem.get_ref()),
            shortcuts: self.shortcuts.as_ref().map_or(defaults.shortcuts, |shortcuts| *shortcuts.get_ref()),
            head_pool: number(&self.head_pool),
            pool: self.pool.as_ref().map(|pool| *pool.get_ref()),
            activations: self.activations.as_ref().map(|all| all.get_ref().clone()).unwrap_or_default(),
            cull: self.cull.as_ref().map(|cull| cull.get_ref().clone()).unwrap_or_default(),
            thin: self.thin.unwrap_or(defaults.thin),
            ..defaults
        }
    }
}

impl NetworkSpec {
    /// The network as a file that [`load_network`] reads back, with its defaults left out.
    pub fn to_toml(&self) -> String {
        // Nothing of a description of a network cannot be written as TOML.
        toml::to_string(&NetworkFile::of(self)).unwrap_or_default()
    }
}

/// Reads a network file. The network's name is the file's name without folder and `.toml`. The network is built once,
/// so that a file that loads also builds.
///
/// # Errors
/// What is wrong, with file, line, key and expectation.
pub fn load_network(source: &Source) -> Result<NetworkSpec, ConfigError> {
    let file: NetworkFile = parse(source)?;
    let path = std::path::Path::new(&source.name);
    let name = path.file_stem().map_or_else(|| source.name.clone(), |stem| stem.to_string_lossy().into_owned());
    let mut spec = file.spec(&name);
    for (index, table) in file.transform.iter().enumerate() {
        let read = from_table(table.clone()).map_err(|fault| {
            let dot = if fault.key.is_empty() { "" } else { "." };
            ConfigError::at_key(source, &format!("transform[{index}]{dot}{}", fault.key), fault.problem)
        });
        let folder = path.parent().unwrap_or(std::path::Path::new(""));
        spec.transforms.push(read?.relative_to(folder));
    }
    spec.build().map_err(|error| {
        if let NetworkError::Transform { index, problem, .. } = &error {
            let place = format!("transform[{index}].{}", key_of(problem, "stages").unwrap_or("kind"));
            return ConfigError::at_key(source, &place, problem.to_string());
        }
        let stages = match &error {
            NetworkError::UnknownStage { stage, .. } if spec.activations.contains_key(stage) => "activations",
            _ => "cull",
        };
        let (key, span) = file.span(key_of(&error, stages).unwrap_or("family"));
        ConfigError::at(source, span, key, error.to_string())
    })?;
    Ok(spec)
}

/// The key that an error is about, given the one that names stages.
fn key_of(error: &NetworkError, stages: &'static str) -> Option<&'static str> {
    match error {
        NetworkError::Option { key, .. } => Some(key),
        NetworkError::UnknownStage { .. } => Some(stages),
        NetworkError::MaskFile { .. } => Some("file"),
        _ => None,
    }
}

/// The JSON Schema of network files.
pub fn network_schema() -> schemars::Schema {
    schemars::schema_for!(NetworkFile)
}

/// A network file of `configs/networks`, compiled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippedNetwork {
    /// Its name: the file's name without `.toml`.
    pub name: String,
    /// The file.
    pub source: Source,
}

impl ShippedNetwork {
    /// Reads it.
    ///
    /// # Errors
    /// As [`load_network`]; none in a released version (tested).
    pub fn load(&self) -> Result<NetworkSpec, ConfigError> {
        load_network(&self.source)
    }
}

static SHIPPED: Dir = include_dir!("$CARGO_MANIFEST_DIR/../configs/networks");

/// All network files of `configs/networks`, by name in alphabetical order.
pub fn shipped_networks() -> Vec<ShippedNetwork> {
    let mut shipped: Vec<ShippedNetwork> = SHIPPED
        .files()
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?;
            let source = Source::new(format!("configs/networks/{name}"), file.contents_utf8()?);
            Some(ShippedNetwork { name: name.strip_suffix(".toml")?.into(), source })
        })
        .collect();
    shipped.sort_by(|a, b| a.name.cmp(&b.name));
    shipped
}
