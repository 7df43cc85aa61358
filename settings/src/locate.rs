//! Where a key stands in a TOML text: the dotted key of a byte span, and the span of a dotted key.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a document: the dotted key, and the bytes of its name (or of its value inside of an array).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub key: String,
    pub span: Range<usize>,
}

/// Called with a dotted key, the span of its name and the span of its value.
type Visit<'a> = dyn FnMut(&str, &Range<usize>, &Range<usize>) + 'a;

/// A TOML text that parses, for looking up keys and spans.
pub(crate) struct Document<'a> {
    table: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses `text`; `None` when it is not TOML.
    pub fn new(text: &'a str) -> Option<Self> {
        DeTable::parse(text).ok().map(|table| Self { table })
    }

    /// The place of the key or value at exactly `span`: the deepest one, because a table that only a deeper header
    /// implies has the deeper one's span.
    pub fn place(&self, span: &Range<usize>) -> Option<Place> {
        in_table(self.table.get_ref(), "", span)
    }

    /// The span of the value of the dotted key `key`, or of the longest part of it that the document holds.
    pub fn value_near(&self, key: &str) -> Option<Range<usize>> {
        let mut best: Option<(usize, Range<usize>)> = None;
        visit_table(self.table.get_ref(), "", &mut |found, _, value| {
            let inside = key.strip_prefix(found).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            if inside && best.as_ref().is_none_or(|(length, _)| found.len() > *length) {
                best = Some((found.len(), value.clone()));
            }
        });
        best.map(|(_, span)| span)
    }

    /// Whether the document has the dotted key `key`.
    pub fn holds(&self, key: &str) -> bool {
        let mut found = false;
        visit_table(self.table.get_ref(), "", &mut |name, _, _| found |= name == key);
        found
    }

    /// The place of the key `name` in the table at `span` (the document itself when no table stands there).
    pub fn child(&self, span: &Range<usize>, name: &str) -> Option<Place> {
        let path = self.place(span).map(|place| place.key).unwrap_or_default();
        let mut found = None;
        visit_table(self.table.get_ref(), "", &mut |key, at, _| {
            if key == join(&path, name) {
                found = Some(at.clone());
            }
        });
        found.map(|span| Place { key: join(&path, name), span })
    }
}

/// Appends `name` to a dotted key, quoted as TOML would need it.
pub(crate) fn join(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

fn in_table(table: &DeTable<'_>, prefix: &str, span: &Range<usize>) -> Option<Place> {
    let mut best: Option<Place> = None;
    visit_table(table, prefix, &mut |key, at, value| {
        if at == span || value == span {
            best = Some(Place { key: key.to_owned(), span: at.clone() });
        }
    });
    best
}

/// Calls `each(dotted key, span of the name, span of the value)` for every key and array element, parents first.
fn visit_table(table: &DeTable<'_>, prefix: &str, each: &mut Visit<'_>) {
    for (name, value) in table {
        visit_value(value, &join(prefix, name.get_ref()), &name.span(), each);
    }
}

fn visit_value(value: &Spanned<DeValue<'_>>, key: &str, at: &Range<usize>, each: &mut Visit<'_>) {
    each(key, at, &value.span());
    match value.get_ref() {
        DeValue::Table(table) => visit_table(table, key, each),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit_value(item, &format!("{key}[{index}]"), &item.span(), each);
            }
        }
        _ => {}
    }
}
