//! A platform: client, server and link, from a TOML file or built in.

use crate::convert::{self, Limits, Reuse};
use crate::link::Link;
use crate::mapping::Mapping;
use crate::party::PartyHardware;
use crate::raw::RawPlatform;
use include_dir::{Dir, include_dir};
use pisim_settings::{ConfigError, Layers, Source, Table, Value, did_you_mean, parse};
use std::path::Path;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/hardware");

/// A client, a server and the link between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Short name.
    pub name: String,
    /// What it is, in a sentence or two.
    pub description: String,
    /// The party with the input.
    pub client: PartyHardware,
    /// The party with the weights.
    pub server: PartyHardware,
    /// What connects them.
    pub link: Link,
    /// Both parties run on one machine: `client` and `server` are the same hardware, whose cores and memory they share.
    pub colocated: bool,
    /// How steps use the hardware.
    pub mapping: Mapping,
}

impl Platform {
    /// The names of the built-in platforms, in alphabetic order.
    pub fn builtin_names() -> Vec<&'static str> {
        let stems = BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|end| end == "toml"));
        let mut names: Vec<&str> = stems.filter_map(|file| file.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// The TOML text of a built-in platform.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILT_IN.get_file(format!("{name}.toml"))?.contents_utf8()
    }

    /// A built-in platform.
    ///
    /// # Errors
    /// There is none of that name; the error names those that exist and the near miss.
    pub fn builtin(name: &str) -> Result<Self, ConfigError> {
        Self::from_source(&Self::builtin_source(name)?)
    }

    /// The platform of the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or [`Platform::from_source`] refuses it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_source(&Source::read(path)?)
    }

    /// What the command line's `-H` names: a built-in name, or a path when it ends in `.toml` or holds a separator.
    ///
    /// # Errors
    /// As [`Platform::builtin`] and [`Platform::load`].
    pub fn named_or_file(name: &str) -> Result<Self, ConfigError> {
        Self::from_source(&Self::source(name)?)
    }

    /// The TOML text of what the command line's `-H` names, without a check of what it says.
    ///
    /// # Errors
    /// There is no such built-in platform, or the file cannot be read.
    pub fn source(name: &str) -> Result<Source, ConfigError> {
        if is_path(name) { Source::read(name) } else { Self::builtin_source(name) }
    }

    /// The platform of a TOML text. With `base = "name"` it starts from that platform, built in or a file beside it, less what
    /// `without = ["server.storage", …]` lists; every other key is added or replaces the base's.
    ///
    /// # Errors
    /// Bad syntax, unknown or missing keys, wrong units, values that no hardware has, or a design that does not fit its
    /// FPGA board: one error with file, line, key and expectation.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        Self::read(source, Limits::Enforced)
    }

    /// The same, but an FPGA design may be of any size and clock: [`PartyHardware::misfits`] says whether it can be built.
    ///
    /// # Errors
    /// As [`Platform::from_source`], but for what does not fit.
    pub fn unchecked_from_source(source: &Source) -> Result<Self, ConfigError> {
        Self::read(source, Limits::Ignored)
    }

    fn read(source: &Source, limits: Limits) -> Result<Self, ConfigError> {
        let layers = Self::layers(source)?;
        let merged = layers.merged();
        let convert = |raw| convert::platform(merged, &raw, limits, Reuse::default());
        raw(merged).and_then(convert).map_err(|error| layers.locate(error))
    }

    /// A platform file with those that it is based on.
    pub(crate) fn layers(source: &Source) -> Result<Layers, ConfigError> {
        Layers::new(source, &Self::base)
    }

    /// The file that a platform is based on: built in, or a path from the file that names it.
    fn base(name: &str, from: &Source) -> Result<Source, ConfigError> {
        if is_path(name) {
            let folder = Path::new(&from.name).parent().unwrap_or(Path::new(""));
            return Source::read(folder.join(name));
        }
        Self::builtin_source(name)
    }

    fn builtin_source(name: &str) -> Result<Source, ConfigError> {
        let text = Self::builtin_text(name).ok_or_else(|| {
            let names = Self::builtin_names();
            let hint = did_you_mean(name, names.iter().copied());
            let expected = format!("expected a .toml file or one of {}{hint}", names.join(", "));
            ConfigError::new(name, format!("unknown platform; {expected}"))
        })?;
        Ok(Source::new(format!("configs/hardware/{name}.toml"), text))
    }

    /// The JSON Schema of platform files, for editors.
    pub fn schema() -> schemars::Schema {
        let mut whole = schemars::schema_for!(RawPlatform).to_value();
        let definitions = whole.as_object_mut().and_then(|schema| schema.remove("$defs")).unwrap_or_default();
        // What every platform may hold; without a base, everything of it has to be as the whole schema says.
        let mut properties = schemars::json_schema!({
            "base": { "type": "string", "description": "The platform to start from: a built-in name or a path." },
            "without": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Dotted keys of the base to leave out, such as \"server.storage\"."
            }
        })
        .to_value();
        for (key, property) in whole["properties"].as_object().into_iter().flatten() {
            properties[key] = schemars::json_schema!({ "description": property["description"].clone() }).to_value();
        }
        schemars::json_schema!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "pisim hardware platform",
            "properties": properties,
            "additionalProperties": false,
            "if": { "not": { "required": ["base"] } },
            "then": whole,
            "$defs": definitions
        })
    }
}

/// The data of a platform file, which holds no list: the entries of one would be taken for the keys of a table by their order.
pub(crate) fn raw(source: &Source) -> Result<RawPlatform, ConfigError> {
    let read = parse(source);
    let Some(list) = source.text.parse().ok().and_then(|document| first_list(&document, "")) else { return read };
    match read {
        // What was expected in place of a list, unless that is about one of its entries.
        Err(error) if !error.key().starts_with(&format!("{list}[")) => Err(error),
        _ => Err(ConfigError::at_key(source, &list, "wrong type: a list; expected a table")),
    }
}

/// The dotted key of the first list in a table.
fn first_list(table: &Table, prefix: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| match value {
        Value::Array(_) => Some(format!("{prefix}{key}")),
        Value::Table(inner) => first_list(inner, &format!("{prefix}{key}.")),
        _ => None,
    })
}

/// Whether a name on the command line, or of a base, is a file's.
fn is_path(name: &str) -> bool {
    name.ends_with(".toml") || name.contains(std::path::is_separator)
}
