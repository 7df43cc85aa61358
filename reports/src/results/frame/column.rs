//! One column: values of one kind, each of which may be missing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Integer,
    /// Floating-point numbers of 64 bits.
    Number,
    /// Words.
    Text,
    /// True or false.
    Flag,
}

impl Kind {
    /// Its name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "whole numbers",
            Self::Number => "numbers",
            Self::Text => "text",
            Self::Flag => "flags",
        })
    }
}

/// One value of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: a failed point has no latency.
    Missing,
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A word.
    Text(&'a str),
    /// True or false.
    Flag(bool),
}

/// As in a CSV file: nothing for a missing value, and numbers with the fewest digits that give the same bits back.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => f.write_str(zmij::Buffer::new().format(*value)),
            Self::Text(value) => f.write_str(value),
            Self::Flag(value) => write!(f, "{value}"),
        }
    }
}

/// A column of words that repeat: each word once, and which of them every row holds.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    words: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    rows: Vec<u32>,
}

impl Texts {
    /// The row number of no word.
    const MISSING: u32 = u32::MAX;

    /// Adds a row. A column of more than four billion different words keeps no further ones.
    pub fn push(&mut self, text: Option<&str>) {
        let number = match text {
            None => Self::MISSING,
            Some(text) => match self.numbers.get(text) {
                Some(number) => *number,
                None => self.learn(text),
            },
        };
        self.rows.push(number);
    }

    fn learn(&mut self, text: &str) -> u32 {
        let number = u32::try_from(self.words.len()).unwrap_or(Self::MISSING);
        if number != Self::MISSING {
            let word: Arc<str> = text.into();
            self.words.push(word.clone());
            self.numbers.insert(word, number);
        }
        number
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The word of a row; none where it is missing or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.words.get(usize::try_from(*self.rows.get(row)?).ok()?).map(AsRef::as_ref)
    }

    /// The words of all rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.rows.len()).map(|row| self.get(row))
    }

    /// For every row the position of its word in [`Texts::words`].
    pub fn numbers(&self) -> impl Iterator<Item = Option<usize>> {
        self.rows.iter().map(|number| usize::try_from(*number).ok().filter(|_| *number != Self::MISSING))
    }

    /// Every word once, in the order of first appearance.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(AsRef::as_ref)
    }
}

impl<'a> FromIterator<Option<&'a str>> for Texts {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(rows: I) -> Self {
        let mut texts = Self::default();
        rows.into_iter().for_each(|text| texts.push(text));
        texts
    }
}

/// Values of one kind, one for every row.
#[derive(Debug, Clone)]
pub enum Column {
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Numbers; a missing one is NaN.
    Number(Vec<f64>),
    /// Words.
    Text(Texts),
    /// True or false.
    Flag(Vec<Option<bool>>),
}

impl Column {
    /// An empty column.
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integer(Vec::new()),
            Kind::Number => Self::Number(Vec::new()),
            Kind::Text => Self::Text(Texts::default()),
            Kind::Flag => Self::Flag(Vec::new()),
        }
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Flag(_) => Kind::Flag,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(rows) => rows.len(),
            Self::Number(rows) => rows.len(),
            Self::Text(rows) => rows.len(),
            Self::Flag(rows) => rows.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a row; missing where there is no such row.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let cell = match self {
            Self::Integer(rows) => rows.get(row).copied().flatten().map(Cell::Integer),
            Self::Number(rows) => rows.get(row).copied().filter(|value| !value.is_nan()).map(Cell::Number),
            Self::Text(rows) => rows.get(row).map(Cell::Text),
            Self::Flag(rows) => rows.get(row).copied().flatten().map(Cell::Flag),
        };
        cell.unwrap_or(Cell::Missing)
    }

    /// Adds a row. A whole number fits a column of numbers, and everything fits one of text.
    ///
    /// # Errors
    /// The kind of the value, if the column cannot hold it; the column is unchanged then.
    pub fn push(&mut self, cell: Cell<'_>) -> Result<(), Kind> {
        match (self, cell) {
            (Self::Integer(rows), Cell::Missing) => rows.push(None),
            (Self::Integer(rows), Cell::Integer(value)) => rows.push(Some(value)),
            (Self::Number(rows), Cell::Missing) => rows.push(f64::NAN),
            (Self::Number(rows), Cell::Number(value)) => rows.push(value),
            (Self::Number(rows), Cell::Integer(value)) => rows.push(value as f64),
            (Self::Flag(rows), Cell::Missing) => rows.push(None),
            (Self::Flag(rows), Cell::Flag(value)) => rows.push(Some(value)),
            (Self::Text(rows), Cell::Missing) => rows.push(None),
            (Self::Text(rows), Cell::Text(value)) => rows.push(Some(value)),
            (Self::Text(rows), other) => rows.push(Some(&other.to_string())),
            (_, Cell::Integer(_)) => return Err(Kind::Integer),
            (_, Cell::Number(_)) => return Err(Kind::Number),
            (_, Cell::Text(_)) => return Err(Kind::Text),
            (_, Cell::Flag(_)) => return Err(Kind::Flag),
        }
        Ok(())
    }

    /// Every row as a number, NaN where there is none; nothing for text. Flags are 0 and 1.
    pub fn numbers(&self) -> Option<Cow<'_, [f64]>> {
        match self {
            Self::Number(rows) => Some(Cow::Borrowed(rows)),
            Self::Integer(rows) => {
                Some(rows.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect())
            }
            Self::Flag(rows) => {
                Some(rows.iter().map(|value| value.map_or(f64::NAN, |value| f64::from(u8::from(value)))).collect())
            }
            // A CSV file does not say what an empty column would hold.
            Self::Text(rows) if rows.words.is_empty() => Some(vec![f64::NAN; rows.len()].into()),
            Self::Text(_) => None,
        }
    }

    /// The rows with these numbers, in this order; missing where there is no such row.
    pub fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Integer(values) => {
                Self::Integer(rows.iter().map(|row| values.get(*row).copied().flatten()).collect())
            }
            Self::Number(values) => {
                Self::Number(rows.iter().map(|row| values.get(*row).copied().unwrap_or(f64::NAN)).collect())
            }
            Self::Text(values) => Self::Text(rows.iter().map(|row| values.get(*row)).collect()),
            Self::Flag(values) => Self::Flag(rows.iter().map(|row| values.get(*row).copied().flatten()).collect()),
        }
    }

    /// Adds the rows of another column, whose values must fit this one.
    ///
    /// # Errors
    /// The kind of the first value that does not.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), Kind> {
        match (self, other) {
            (Self::Integer(rows), Self::Integer(more)) => rows.extend(more),
            (Self::Number(rows), Self::Number(more)) => rows.extend(more),
            (Self::Flag(rows), Self::Flag(more)) => rows.extend(more),
            (column, other) => return (0..other.len()).try_for_each(|row| column.push(other.cell(row))),
        }
        Ok(())
    }

    /// Cuts off the rows from `at` on and returns them.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let at = at.min(self.len());
        match self {
            Self::Integer(rows) => Self::Integer(rows.split_off(at)),
            Self::Number(rows) => Self::Number(rows.split_off(at)),
            Self::Flag(rows) => Self::Flag(rows.split_off(at)),
            Self::Text(rows) => {
                let rest = (at..rows.len()).map(|row| rows.get(row)).collect();
                // Collected again, so that words of rows that are gone do not pile up.
                *rows = (0..at).map(|row| rows.get(row)).collect();
                Self::Text(rest)
            }
        }
    }
}
