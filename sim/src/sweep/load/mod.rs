//! From sweep files to sweeps: everything is checked here, once, with an error at its line.

mod axes;
mod expressions;
mod methods;
mod probe;

use super::axis::{Axis, Derived};
use super::constraint::Constraints;
use super::documents::{NetworkDocument, ProtocolDocument};
use super::file::SweepFile;
use super::plan::{Base, Sweep};
use crate::result::Level;
use axes::Origin;
use include_dir::{Dir, include_dir};
use pisim_hw_models::{Platform, PlatformTemplate};
use pisim_settings::{ConfigError, DocumentKey, Source, Spanned, did_you_mean, parse};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/sweeps");

type Checked<T> = Result<T, ConfigError>;

/// The protocol of a sweep that names none.
const DEFAULT_PROTOCOL: &str = pisim_protocol::DEFAULT_PROTOCOL;

impl Sweep {
    /// The names of the built-in sweeps, in alphabetic order.
    pub fn builtin_names() -> Vec<&'static str> {
        let mut names: Vec<&str> = BUILT_IN.files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// The sweep of a file, if the name ends in `.toml` or holds a separator, or a built-in one.
    ///
    /// # Errors
    /// There is none of that name, the file cannot be read, or [`Sweep::from_source`] refuses it.
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        if name.ends_with(".toml") || name.contains(std::path::is_separator) {
            return Self::from_source(&Source::read(name)?);
        }
        let file = BUILT_IN.get_file(format!("{name}.toml")).and_then(|file| file.contents_utf8());
        let text = file.ok_or_else(|| {
            let names = Self::builtin_names();
            let hint = did_you_mean(name, names.iter().copied());
            let expected = format!("expected a .toml file or one of {}{hint}", names.join(", "));
            ConfigError::new(name, format!("unknown sweep; {expected}"))
        })?;
        Self::from_source(&Source::new(format!("configs/sweeps/{name}.toml"), text))
    }

    /// The sweep of a TOML text. Networks, protocols and platforms that it names are loaded, too; paths are those of the working
    /// directory.
    ///
    /// # Errors
    /// Bad syntax, unknown keys, axes without values or with keys that no file has, impossible ranges, expressions with unknown
    /// names, …: one error with file, line, key and expectation.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let file: SweepFile = parse(source)?;
        let check = Check { source };
        let networks = check.bases(&file.networks, "networks", NetworkDocument::load)?;
        let protocols = match &file.protocols {
            Some(names) => check.bases(names, "protocols", ProtocolDocument::load)?,
            None => vec![check.base(DEFAULT_PROTOCOL, ProtocolDocument::load)?],
        };
        let load = |name: &str| PlatformTemplate::new(&Platform::source(name)?);
        let platforms = check.bases(&file.hardware, "hardware", load)?;
        let (axes, mut origins) = check.axes(&file.axes)?;
        let derived = check.derived(&file.derived, &axes, &mut origins)?;
        check.names(&axes, &derived, &origins)?;
        check.keys(&axes, &derived, &origins)?;
        let expressions = check.constraints(&file.constraints, &axes, &derived)?;
        let is_axis = |name: &str| names(&axes, &derived).any(|known| known == name);
        let constraints = Constraints::new(&file.constraints, expressions, is_axis);
        let combinations = (networks.len() * protocols.len() * platforms.len()) as u64;
        let method = check.method(&file, &axes, combinations)?;
        let stem = std::path::Path::new(&source.name).file_stem();
        let title = file.title.unwrap_or_else(|| stem.unwrap_or_default().to_string_lossy().into_owned());
        let sweep = Self {
            title,
            description: file.description.unwrap_or_default(),
            source: source.clone(),
            networks,
            protocols,
            platforms,
            axes,
            derived,
            constraints,
            method,
            level: file.level.map_or(Level::ClosedForm, Level::from),
            layers: file.layers,
        };
        check.probe(&sweep, &origins)?;
        Ok(sweep)
    }

    /// The JSON Schema of sweep files, for editors.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(SweepFile)
    }
}

/// The names of all columns of axes.
fn names<'a>(axes: &'a [Axis], derived: &'a [Derived]) -> impl Iterator<Item = &'a str> {
    let of_axes = axes.iter().flat_map(|axis| &axis.variables).map(|variable| variable.name.as_str());
    of_axes.chain(derived.iter().map(|derived| derived.name.as_str()))
}

/// Checks of one file.
struct Check<'a> {
    source: &'a Source,
}

impl Check<'_> {
    fn error(&self, span: std::ops::Range<usize>, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::at(self.source, span, key, message)
    }

    fn bases<T>(
        &self,
        list: &Spanned<Vec<Spanned<String>>>,
        key: &str,
        load: impl Fn(&str) -> Checked<T>,
    ) -> Checked<Vec<Base<T>>> {
        if list.get_ref().is_empty() {
            return Err(self.error(list.span(), key, "empty; expected one name or more"));
        }
        let mut bases: Vec<Base<T>> = Vec::new();
        for (position, name) in list.get_ref().iter().enumerate() {
            let key = format!("{key}[{position}]");
            if bases.iter().any(|base| base.name == *name.get_ref()) {
                return Err(self.error(
                    name.span(),
                    &key,
                    format!("`{}` is there twice; expected it once", name.get_ref()),
                ));
            }
            let base = self.base(name.get_ref(), &load);
            // A name that nothing has is not wrong in a file of its own.
            let said = |error: ConfigError| match error.file() {
                "" => error.message().to_owned(),
                _ => error.to_string(),
            };
            bases.push(base.map_err(|error| self.error(name.span(), &key, said(error)))?);
        }
        Ok(bases)
    }

    fn base<T>(&self, name: &str, load: impl Fn(&str) -> Checked<T>) -> Checked<Base<T>> {
        Ok(Base { name: name.to_owned(), document: load(name)? })
    }

    /// No axis undoes what another one sets: every key is set once, and a table before the keys in it.
    fn keys(&self, axes: &[Axis], derived: &[Derived], origins: &[Origin]) -> Checked<()> {
        let of_axes = axes.iter().flat_map(|axis| &axis.variables).map(|variable| &variable.keys[..]);
        let all = of_axes.chain(derived.iter().map(|derived| &derived.keys[..]));
        let mut known: Vec<&DocumentKey> = Vec::new();
        for (keys, origin) in all.zip(origins) {
            for key in keys {
                if let Some(undone) = known.iter().find(|known| key.holds(known)) {
                    let message = if **undone == *key {
                        format!("a second axis sets `{key}`; expected one")
                    } else {
                        format!(
                            "`{key}` replaces `{undone}`, which an axis before it sets; expected them the other way round"
                        )
                    };
                    return Err(self.error(origin.keys.clone(), &origin.keys_key, message));
                }
                known.push(key);
            }
        }
        Ok(())
    }

    /// Names are different from each other and from those of results, and can stand in expressions.
    fn names(&self, axes: &[Axis], derived: &[Derived], origins: &[Origin]) -> Checked<()> {
        let mut known: Vec<&str> = Vec::new();
        for (name, origin) in names(axes, derived).zip(origins) {
            let wrong = |message: String| Err(self.error(origin.name.clone(), &origin.name_key, message));
            let start = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            if !start || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return wrong(format!("`{name}` is no name; expected letters, digits and `_`, a letter first"));
            }
            if known.contains(&name) {
                return wrong(format!("a second axis `{name}`; expected another `name`"));
            }
            let taken = super::row::FIRST_COLUMNS.iter().chain(&super::row::NAME_COLUMNS).copied();
            if taken.chain(super::row::COLUMNS.iter().map(|column| column.name)).any(|column| column == name) {
                return wrong(format!("`{name}` is a column of the results; expected another `name`"));
            }
            known.push(name);
        }
        Ok(())
    }
}
