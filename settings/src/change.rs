//! Changes of single keys of a settings file: what `--set key=value` and the axes of a sweep do.

use crate::nearest::did_you_mean;
use std::fmt;
use std::str::FromStr;
use toml::{Table, Value};

/// A dotted key such as `server.gc_engine.engines` or `stages[1].channels`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Part {
    Key(String),
    Index(usize),
}

/// Why a key cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChangeError {
    message: String,
}

fn fault<T>(message: String) -> Result<T, ChangeError> {
    Err(ChangeError { message })
}

impl KeyPath {
    /// The key as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its first name.
    pub fn first(&self) -> &str {
        match self.parts.first() {
            Some(Part::Key(name)) => name,
            _ => "",
        }
    }

    /// Its last name.
    pub fn last(&self) -> &str {
        let names = self.parts.iter().rev().filter_map(|part| match part {
            Part::Key(name) => Some(name.as_str()),
            Part::Index(_) => None,
        });
        names.take(1).next().unwrap_or_default()
    }

    /// The key without its first name; nothing where there is no more.
    pub fn rest(&self) -> Option<Self> {
        let (_, rest) = self.parts.split_first()?;
        if rest.is_empty() {
            return None;
        }
        let cut = self.first().len();
        let text = self.text.get(cut..)?.trim_start_matches('.').to_owned();
        Some(Self { text, parts: rest.to_vec() })
    }

    /// Sets the key in a document, with the tables around it where they are missing. What cannot be there is for whoever reads the
    /// document to tell.
    ///
    /// # Errors
    /// A part of the key is no table or list in the document, or the list is too short.
    pub fn set(&self, document: &mut Table, value: Value) -> Result<(), ChangeError> {
        let Some((Part::Key(name), rest)) = self.parts.split_first() else {
            return fault(format!("`{}` is no key; expected one such as `server.memory.channels`", self.text));
        };
        match rest {
            [] => _ = document.insert(name.clone(), value),
            rest => {
                let inner = document.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
                self.set_inside(inner, rest, value)?;
            }
        }
        Ok(())
    }

    fn set_inside(&self, at: &mut Value, parts: &[Part], value: Value) -> Result<(), ChangeError> {
        let Some((part, rest)) = parts.split_first() else {
            *at = value;
            return Ok(());
        };
        match (part, at) {
            (Part::Key(name), Value::Table(table)) => {
                if rest.is_empty() {
                    table.insert(name.clone(), value);
                    return Ok(());
                }
                let inner = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
                self.set_inside(inner, rest, value)
            }
            (Part::Index(index), Value::Array(items)) => {
                let length = items.len();
                match items.get_mut(*index) {
                    Some(item) => self.set_inside(item, rest, value),
                    None => fault(format!("`{}`: the list has {length} elements, from [0]", self.text)),
                }
            }
            (Part::Key(name), at) => fault(format!("`{}`: `{name}` cannot stand in a {}", self.text, at.type_str())),
            (Part::Index(index), at) => {
                fault(format!("`{}`: [{index}] of a {}; expected a list", self.text, at.type_str()))
            }
        }
    }
}

impl FromStr for KeyPath {
    type Err = ChangeError;
    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let wrong =
            || format!("`{text}` is no key; expected names with dots between, such as `server.memory.channels`");
        let mut parts = Vec::new();
        for piece in text.split('.') {
            let (name, mut indices) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || !name.chars().all(plain) {
                return fault(wrong());
            }
            parts.push(Part::Key(name.to_owned()));
            while !indices.is_empty() {
                let inside = indices.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let Some((Ok(index), rest)) = inside.map(|(index, rest)| (index.parse(), rest)) else {
                    return fault(wrong());
                };
                parts.push(Part::Index(index));
                indices = rest;
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The kinds of file whose keys can be changed, as the first name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Document {
    /// `network.…`.
    Network,
    /// `protocol.…`.
    Protocol,
    /// `hardware.…`, and `mapping.…` for `hardware.mapping.…`.
    Hardware,
}

impl Document {
    const NAMES: [&'static str; 4] = ["network", "protocol", "hardware", "mapping"];
}

/// A key of one of the files of a point.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// The file.
    pub document: Document,
    /// The key within the file.
    pub path: KeyPath,
}

impl DocumentKey {
    /// Whether this is the other key, or a table or list around it.
    pub fn holds(&self, other: &Self) -> bool {
        self.document == other.document && other.path.parts.starts_with(&self.path.parts)
    }
}

impl FromStr for DocumentKey {
    type Err = ChangeError;
    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let whole: KeyPath = text.parse()?;
        let document = match whole.first() {
            "network" => Document::Network,
            "protocol" => Document::Protocol,
            "hardware" => Document::Hardware,
            "mapping" => return Ok(Self { document: Document::Hardware, path: whole }),
            first => {
                let hint = did_you_mean(first, Document::NAMES);
                return fault(format!(
                    "`{text}` is in no file; expected network.…, protocol.…, hardware.… or mapping.…{hint}"
                ));
            }
        };
        match whole.rest() {
            Some(path) => Ok(Self { document, path }),
            None => fault(format!("`{text}` is a whole file; expected one of its keys, such as `{text}.name`")),
        }
    }
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document, self.path.first()) {
            (Document::Hardware, "mapping") => write!(f, "{}", self.path),
            (Document::Hardware, _) => write!(f, "hardware.{}", self.path),
            (Document::Network, _) => write!(f, "network.{}", self.path),
            (Document::Protocol, _) => write!(f, "protocol.{}", self.path),
        }
    }
}

/// A key and its new value. As text: `key=value` with a TOML value; what is no TOML value is text.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The key.
    pub key: DocumentKey,
    /// Its value.
    pub value: Value,
}

impl FromStr for Change {
    type Err = ChangeError;
    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let Some((key, value)) = text.split_once('=') else {
            return fault(format!(
                "`{text}` sets nothing; expected key=value, such as hardware.server.gc_engine.engines=4"
            ));
        };
        Ok(Self { key: key.trim().parse()?, value: toml_value(value) })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// A value as TOML has it; what TOML does not know is text, so that quotes may be left out.
fn toml_value(text: &str) -> Value {
    let whole = |mut table: Table| (table.len() == 1).then(|| table.remove("value")).flatten();
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(whole);
    parsed.unwrap_or_else(|| Value::String(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(document: &str, change: &str) -> Result<String, String> {
        let mut table: Table = toml::from_str(document).unwrap();
        let change: Change = change.parse().map_err(|error: ChangeError| error.to_string())?;
        change.key.path.set(&mut table, change.value).map_err(|error| error.to_string())?;
        Ok(toml::to_string(&table).unwrap())
    }

    #[test]
    fn keys_are_replaced_and_added_with_their_tables() {
        assert_eq!(set("a = 1\n[b]\nc = 2\n", "hardware.b.c=3").unwrap(), "a = 1\n\n[b]\nc = 3\n");
        assert_eq!(set("a = 1\n", "hardware.b.c=100 Mbps").unwrap(), "a = 1\n\n[b]\nc = \"100 Mbps\"\n");
        assert_eq!(set("", "mapping.overlap=false").unwrap(), "[mapping]\noverlap = false\n");
        assert_eq!(set("x = [[1], [2]]\n", "network.x[1][0]=5").unwrap(), "x = [[1], [5]]\n");
        assert_eq!(set("x = 1", "network.x={y = 2}").unwrap(), "[x]\ny = 2\n");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let error = |change: &str| set("a = 1\nx = [1]\n", change).unwrap_err();
        assert!(error("hardwear.a=1").contains("did you mean `hardware`?"), "{}", error("hardwear.a=1"));
        assert!(error("hardware=1").contains("is a whole file"));
        assert!(error("hardware.a").contains("expected key=value"));
        assert!(error("hardware..a=1").contains("is no key"));
        assert!(error("hardware.x[1]=1").contains("the list has 1 elements"));
        assert!(error("hardware.x[=1").contains("is no key"));
        assert!(error("hardware.a.b=1").contains("cannot stand in a integer"));
        assert!(error("hardware.a[0]=1").contains("expected a list"));
    }

    #[test]
    fn a_table_holds_its_keys() {
        let key = |text: &str| text.parse::<DocumentKey>().unwrap();
        assert!(key("hardware.server.memory").holds(&key("hardware.server.memory.channels")));
        assert!(key("hardware.a").holds(&key("hardware.a[1]")) && key("hardware.a").holds(&key("hardware.a")));
        assert!(!key("hardware.a").holds(&key("hardware.ab")) && !key("hardware.a").holds(&key("network.a")));
        assert!(
            key("mapping").document == Document::Hardware
                && key("mapping.overlap").holds(&key("hardware.mapping.overlap"))
        );
    }

    #[test]
    fn a_change_reads_back_as_it_prints() {
        for text in ["hardware.link.up=\"100 Mbps\"", "network.cull=[\"s1\"]", "mapping.overlap=true", "hardware.x=0.1"]
        {
            let change: Change = text.parse().unwrap();
            assert_eq!(change.to_string(), text);
            assert_eq!(change.to_string().parse::<Change>().unwrap(), change);
        }
        let unquoted: Change = "hardware.link.up=100 Mbps".parse().unwrap();
        assert_eq!(unquoted.value, Value::String("100 Mbps".to_owned()));
        let two_lines: Change = "hardware.a=1\nb=2".parse().unwrap();
        assert!(two_lines.value.is_str(), "one value, not a document");
    }
}
