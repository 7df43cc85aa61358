//! Files that start from another one: `base` names it, `without` lists what to leave out of it, and every other key is added
//! or replaces the base's.

use crate::locate::Document;
use crate::nearest::did_you_mean;
use crate::{ConfigError, Source};
use toml::{Table, Value};

/// More files on top of each other than this are a circle.
const MOST_LAYERS: usize = 8;

/// The keys that make layers; the merged text has none of them.
const BASE: &str = "base";
const WITHOUT: &str = "without";

/// Finds the file that `base` names, given the file that names it.
pub type Find<'a> = dyn Fn(&str, &Source) -> Result<Source, ConfigError> + 'a;

/// A settings file with all that it takes from the files it is based on.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The file itself, or what it and its bases say together.
    merged: Source,
    /// The file, its base, that one's base, and so on.
    files: Vec<Source>,
}

impl Layers {
    /// Reads a file's bases, if it names one.
    ///
    /// # Errors
    /// A `base` that `find` does not find, that is no text, or that leads in a circle; `without` of what the base does not
    /// have. Text that is not TOML is left for [`parse`](crate::parse) to explain.
    pub fn new(source: &Source, find: &Find) -> Result<Self, ConfigError> {
        let mut files = vec![source.clone()];
        let mut tables = Vec::new();
        while let Some(file) = files.last() {
            let Ok(mut table) = toml::from_str::<Table>(&file.text) else {
                // A base that is broken is the fault to tell; a broken file itself is parsed, and explained, as it is.
                let merged = file.clone();
                return Ok(Self { merged, files: files.split_off(files.len() - 1) });
            };
            let base = match table.remove(BASE) {
                Some(Value::String(name)) => Some(find(&name, file).map_err(|error| at_base(file, &error))?),
                Some(_) => {
                    return Err(ConfigError::at_key(file, BASE, "wrong type; expected a name or a path in quotes"));
                }
                None => None,
            };
            tables.push(table);
            let Some(base) = base else { break };
            if files.len() == MOST_LAYERS {
                let message = format!("more than {MOST_LAYERS} files on top of each other; expected no circle");
                return Err(ConfigError::at_key(source, BASE, message));
            }
            files.push(base);
        }
        if files.len() == 1 {
            return Ok(Self { merged: source.clone(), files });
        }
        let mut merged = Table::new();
        for (mut table, file) in tables.into_iter().zip(&files).rev() {
            leave_out(&mut merged, table.remove(WITHOUT), file)?;
            merge(&mut merged, table);
        }
        let text = toml::to_string(&merged).map_err(|error| ConfigError::new(&source.name, error.to_string()))?;
        Ok(Self { merged: Source::new(&source.name, text), files })
    }

    /// What is to be parsed.
    pub fn merged(&self) -> &Source {
        &self.merged
    }

    /// The error of the merged text, at the line of the file itself that has the key. Where a base has it, it shows the nearest
    /// table of the file itself and says where the key is.
    pub fn locate(&self, error: ConfigError) -> ConfigError {
        let (Some(own), true) = (self.files.first(), self.files.len() > 1) else { return error };
        let holds = |file: &&Source| Document::new(&file.text).is_some_and(|document| document.holds(error.key()));
        // What is missing although a base has it was left out above.
        let holder = if holds(&&self.merged) { self.files.iter().position(|file| holds(&file)) } else { None };
        let below = holder.filter(|position| *position > 0).and_then(|position| self.files.get(position));
        let Some(below) = below else { return error.in_source(own) };
        let there = ConfigError::at_key(below, error.key(), "");
        let line = there.line().map(|line| format!(":{line}")).unwrap_or_default();
        error.in_source(own).with_message(format!("{}; the key is at {}{line}", error.message(), below.name))
    }
}

/// A base that cannot be had is a fault of the line that names it.
fn at_base(file: &Source, error: &ConfigError) -> ConfigError {
    ConfigError::at_key(file, BASE, error.message())
}

/// Removes the dotted keys that `without` lists from what the bases say.
fn leave_out(merged: &mut Table, without: Option<Value>, file: &Source) -> Result<(), ConfigError> {
    let keys = match without {
        None => return Ok(()),
        Some(Value::Array(keys)) => keys,
        Some(_) => return Err(ConfigError::at_key(file, WITHOUT, "wrong type; expected a list of keys in quotes")),
    };
    for (index, key) in keys.iter().enumerate() {
        let at = format!("{WITHOUT}[{index}]");
        let Value::String(key) = key else {
            return Err(ConfigError::at_key(
                file,
                &at,
                "wrong type; expected a key in quotes, such as \"server.storage\"",
            ));
        };
        remove(merged, key).map_err(|message| ConfigError::at_key(file, &at, message))?;
    }
    Ok(())
}

fn remove(table: &mut Table, key: &str) -> Result<(), String> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let missing = |table: &Table| {
        let hint = did_you_mean(first, table.keys().map(String::as_str));
        format!("the base has no `{key}` to leave out; expected one of its keys{hint}")
    };
    match (rest, table.get_mut(first)) {
        (None, Some(_)) => {
            table.remove(first);
            Ok(())
        }
        (Some(rest), Some(Value::Table(inner))) => remove(inner, rest),
        _ => Err(missing(table)),
    }
}

/// Tables are merged key by key; anything else replaces.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => _ = below.insert(key, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Machine {
        name: String,
        cores: u64,
        memory: Option<Memory>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Memory {
        channels: u64,
        bytes: u64,
    }

    fn find(name: &str, _: &Source) -> Result<Source, ConfigError> {
        let text = match name {
            "big" => "name = \"big\"\ncores = 8\n[memory]\nchannels = 4\nbytes = 7",
            "middle" => "base = \"big\"\nname = \"middle\"\n\n[memory]\nchannels = 2",
            "circle" => "base = \"circle\"",
            "broken" => "name = ",
            _ => return Err(ConfigError::new(name, "unknown machine; expected big")),
        };
        Ok(Source::new(format!("{name}.toml"), text))
    }

    fn load(text: &str) -> Result<Machine, String> {
        let layers = Layers::new(&Source::new("own.toml", text), &find).map_err(|error| error.to_string())?;
        parse(layers.merged()).map_err(|error| layers.locate(error).to_string())
    }

    #[test]
    fn a_file_changes_its_base_key_by_key_through_all_layers() {
        let machine = load("base = \"middle\"\nname = \"own\"\n[memory]\nbytes = 9").unwrap();
        assert_eq!(machine, Machine { name: "own".into(), cores: 8, memory: Some(Memory { channels: 2, bytes: 9 }) });
        let bare = load("base = \"big\"\nwithout = [\"memory\"]\ncores = 1").unwrap();
        assert_eq!(bare, Machine { name: "big".into(), cores: 1, memory: None });
    }

    #[test]
    fn a_fault_is_told_at_the_file_and_line_that_hold_it() {
        let error = |text: &str| load(text).unwrap_err();
        assert_eq!(
            error("base = \"middle\"\n[memory]\nchanels = 3"),
            "own.toml:3:11: key `memory.chanels`: unknown key; expected `channels` or `bytes`; did you mean `channels`?"
        );
        let missing = error("base = \"middle\"\nwithout = [\"memory.bytes\"]");
        assert!(missing.starts_with("own.toml:") && missing.contains("`memory.bytes`: missing key"), "{missing}");
        let below = Layers::new(&Source::new("own.toml", "base = \"big\"\n[memory]\nbytes = 9"), &find).unwrap();
        let found = below.locate(ConfigError::at_key(below.merged(), "memory.channels", "too many")).to_string();
        assert_eq!(found, "own.toml:2:1: key `memory.channels`: too many; the key is at big.toml:4");
        assert!(error("base = \"bigg\"").starts_with("own.toml:1:8: key `base`: unknown machine"));
        assert!(error("base = 3").contains("key `base`: wrong type; expected a name"));
        assert!(error("base = \"circle\"").contains("expected no circle"));
        assert!(error("base = \"broken\"").starts_with("broken.toml:1"), "{}", error("base = \"broken\""));
        let typo = error("base = \"big\"\nwithout = [\"memory.chanels\"]");
        assert!(typo.contains("key `without[0]`: the base has no") && typo.contains("did you mean"), "{typo}");
        assert!(error("name = 1").starts_with("own.toml:1:8"), "a file without a base is parsed as it is");
    }
}
