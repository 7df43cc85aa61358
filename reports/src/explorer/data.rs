//! The rows of a page as compact JSON: columns instead of rows, text by its place in a list, commands by their words.

use super::Explorer;
use crate::results::{Cell, Frame};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// The most points of one page: what browsers draw and sort without a delay.
pub const MOST_ROWS: usize = 20_000;

/// Digits of numbers: more than a plot or a table shows. The exact ones are in the results.
const DIGITS: usize = 7;

/// All rows, or those to keep and an even sample of the others.
pub(super) fn chosen_rows(rows: usize, kept: &[usize]) -> Vec<usize> {
    if rows <= MOST_ROWS {
        return (0..rows).collect();
    }
    let mut chosen: BTreeSet<usize> = kept.iter().copied().filter(|row| *row < rows).take(MOST_ROWS).collect();
    let room = MOST_ROWS - chosen.len();
    chosen.extend((0..room).map(|index| index * rows / room.max(1)));
    chosen.into_iter().collect()
}

/// What the script reads. `<` is written as an escape, so that no text can end the element that holds it.
pub(super) fn json(explorer: &Explorer<'_>, rows: &[usize], command: impl Fn(usize) -> Option<String>) -> String {
    let frame = explorer.frame;
    let columns: Vec<Value> = frame.names().filter_map(|name| column(explorer, name, rows)).collect();
    let mut words = Words::default();
    let commands: Vec<Vec<usize>> =
        rows.iter().map(|row| command(*row).map(|text| words.split(&text)).unwrap_or_default()).collect();
    let data = json!({
        "title": explorer.title, "axes": explorer.axes, "columns": columns, "words": words.list, "commands": commands,
    });
    data.to_string().replace('<', "\\u003c")
}

/// One column; none if it has no value in any row.
fn column(explorer: &Explorer<'_>, name: &str, rows: &[usize]) -> Option<Value> {
    let frame = explorer.frame;
    let present = rows.iter().any(|row| !matches!(frame.cell(*row, name), Cell::Missing | Cell::Text("")));
    if !present {
        return None;
    }
    let info = explorer.columns.iter().find(|info| info.name == name);
    let mut entry = Map::new();
    entry.insert("name".into(), name.into());
    entry.insert("unit".into(), info.and_then(|info| info.unit.clone()).into());
    entry.insert("means".into(), info.map(|info| info.description.clone()).into());
    if rows.iter().any(|row| matches!(frame.cell(*row, name), Cell::Text(_) | Cell::Flag(_))) {
        let mut words = Words::default();
        let codes: Vec<usize> = rows.iter().map(|row| words.place(&text(frame, *row, name))).collect();
        entry.insert("texts".into(), words.list.into());
        entry.insert("values".into(), codes.into());
    } else {
        entry.insert("values".into(), rows.iter().map(|row| number(frame, *row, name)).collect());
    }
    Some(Value::Object(entry))
}

fn text(frame: &Frame, row: usize, name: &str) -> String {
    match frame.cell(row, name) {
        Cell::Text(text) => text.to_owned(),
        Cell::Flag(flag) => if flag { "yes" } else { "no" }.to_owned(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => value.to_string(),
        Cell::Missing => String::new(),
    }
}

/// A number with few digits; whole numbers stay whole, and what is missing or not finite is null.
fn number(frame: &Frame, row: usize, name: &str) -> Value {
    match frame.cell(row, name) {
        Cell::Integer(value) => value.into(),
        Cell::Number(value) => format!("{value:.*e}", DIGITS - 1).parse::<f64>().ok().map_or(Value::Null, Value::from),
        _ => Value::Null,
    }
}

/// Texts that come often, each once.
#[derive(Default)]
struct Words {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Words {
    fn place(&mut self, word: &str) -> usize {
        if let Some(place) = self.places.get(word) {
            return *place;
        }
        self.list.push(word.to_owned());
        self.places.insert(word.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }

    fn split(&mut self, text: &str) -> Vec<usize> {
        text.split(' ').map(|word| self.place(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::results::Column;

    fn frame() -> Frame {
        Frame::new(vec![
            ("point".to_owned(), Column::Integer(vec![Some(0), Some(1)])),
            ("latency_total_s".to_owned(), Column::Number(vec![1.0 / 3.0, f64::NAN])),
            ("nothing".to_owned(), Column::Number(vec![f64::NAN, f64::NAN])),
        ])
        .unwrap()
    }

    #[test]
    fn a_page_holds_all_points_or_the_fronts_and_an_even_sample() {
        assert_eq!(chosen_rows(3, &[1]), [0, 1, 2]);
        let many = chosen_rows(1_000_000, &[7, 999_999, 5_000_000]);
        assert!(many.len() <= MOST_ROWS && many.len() > MOST_ROWS - 4);
        assert!(many.contains(&7) && many.contains(&999_999));
        assert!(many.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= 51));
    }

    #[test]
    fn no_text_of_the_data_can_end_its_element_and_commands_come_back() {
        let frame = frame();
        let explorer = Explorer {
            title: "</script><script>alert(1)</script>",
            version: "1",
            frame: &frame,
            columns: &[],
            axes: &["point"],
            kept: &[],
        };
        let command = |row| (row == 0).then(|| "pisim simulate --set 'a=\"x  y\"'".to_owned());
        let text = json(&explorer, &[0, 1], command);
        assert!(!text.contains('<'), "{text}");
        let data: Value = serde_json::from_str(&text).unwrap();
        let words = data["words"].as_array().unwrap();
        let of = |row: usize| {
            let places = data["commands"][row].as_array().unwrap().iter();
            places.map(|place| words[place.as_u64().unwrap() as usize].as_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((of(0), of(1)), (command(0).unwrap(), String::new()));
        // A column without any value is left out; a missing number is null.
        assert_eq!(data["columns"].as_array().unwrap().len(), 2);
        assert_eq!(data["columns"][1]["values"], serde_json::json!([0.3333333, null]));
        assert!(!explorer.page(|_| None).contains("<script>alert"));
    }
}
