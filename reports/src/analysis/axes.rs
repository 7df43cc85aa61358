//! An axis of a sweep as levels: what is the same at several points.

use crate::format::Quantity;
use crate::results::{Cell, Column};
use pisim_settings::{Bandwidth, BitRate, Bytes, Duration, Frequency};
use std::collections::HashMap;

/// One axis with more than one level.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyAxis {
    /// The column's name.
    pub name: String,
    /// Every level's text: in the order of their values if they are numbers, otherwise of first appearance.
    pub levels: Vec<String>,
    /// The level of every point.
    pub level: Vec<usize>,
    /// Every level's value, where all are numbers or quantities of one kind.
    pub values: Option<Vec<f64>>,
    /// What the values measure.
    pub quantity: Quantity,
}

impl StudyAxis {
    /// The axis that a column is; nothing if all its points have one value.
    pub fn new(name: &str, column: &Column) -> Option<Self> {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let (mut levels, mut level) = (Vec::new(), Vec::with_capacity(column.len()));
        for row in 0..column.len() {
            let text = column.cell(row).to_string();
            let number = *numbers.entry(text).or_insert_with_key(|text| {
                levels.push((text.clone(), value_of(&column.cell(row))));
                levels.len() - 1
            });
            level.push(number);
        }
        if levels.len() < 2 {
            return None;
        }
        let quantity = levels.first().and_then(|(_, value)| *value).map(|(_, quantity)| quantity);
        let alike =
            |value: &Option<(f64, Quantity)>| value.filter(|(_, own)| Some(*own) == quantity).map(|(value, _)| value);
        let values: Option<Vec<f64>> = levels.iter().map(|(_, value)| alike(value)).collect();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        if let Some(values) = &values {
            let at = |level: &usize| values.get(*level).copied().unwrap_or(f64::NAN);
            order.sort_by(|a, b| at(a).total_cmp(&at(b)));
        }
        let mut rank = vec![0; levels.len()];
        for (position, level) in order.iter().enumerate() {
            if let Some(slot) = rank.get_mut(*level) {
                *slot = position;
            }
        }
        level.iter_mut().for_each(|level| *level = rank.get(*level).copied().unwrap_or(0));
        let sorted = |level: &usize| values.as_ref().and_then(|values| values.get(*level)).copied();
        Some(Self {
            name: name.to_owned(),
            levels: order.iter().filter_map(|level| levels.get(*level)).map(|(text, _)| text.clone()).collect(),
            level,
            values: values.as_ref().map(|_| order.iter().filter_map(sorted).collect()),
            quantity: quantity
                .map_or(Quantity::Plain, |own| if own == Quantity::Plain { Quantity::of_column(name) } else { own }),
        })
    }

    /// The value of every point, where levels have values.
    pub fn positions(&self) -> Option<Vec<f64>> {
        let values = self.values.as_ref()?;
        self.level.iter().map(|level| values.get(*level).copied()).collect()
    }

    /// The name for people: `hardware.server.gc_engine.engines` is “server gc engine engines”.
    pub fn title(&self) -> String {
        title(&self.name)
    }

    /// The levels in at most `most` groups of neighbours of about equal size: the group of every point, and how many there are.
    /// What was sampled at random has as many levels as points.
    pub fn grouped(&self, most: usize) -> (Vec<usize>, usize) {
        let count = self.levels.len();
        if count <= most {
            return (self.level.clone(), count);
        }
        (self.level.iter().map(|level| level * most / count).collect(), most)
    }
}

/// The name of an axis for people.
pub(super) fn title(name: &str) -> String {
    name.strip_prefix("hardware.").unwrap_or(name).replace(['.', '_'], " ")
}

/// A number, or a quantity with its unit as in a file of settings.
fn value_of(cell: &Cell<'_>) -> Option<(f64, Quantity)> {
    match cell {
        Cell::Integer(value) => Some((*value as f64, Quantity::Plain)),
        Cell::Number(value) => value.is_finite().then_some((*value, Quantity::Plain)),
        Cell::Text(text) => quantity_of(text),
        Cell::Flag(_) | Cell::Missing => None,
    }
}

fn quantity_of(text: &str) -> Option<(f64, Quantity)> {
    let rate = text.parse::<BitRate>().ok().map(|value| (value.bits_per_s(), Quantity::BitRate));
    let rate = rate.or_else(|| text.parse::<Bandwidth>().ok().map(|v| (v.bytes_per_s(), Quantity::ByteRate)));
    let rate = rate.or_else(|| text.parse::<Bytes>().ok().map(|v| (v.bytes() as f64, Quantity::Bytes)));
    let rate = rate.or_else(|| text.parse::<Frequency>().ok().map(|v| (v.hz(), Quantity::Hertz)));
    rate.or_else(|| text.parse::<Duration>().ok().map(|v| (v.seconds(), Quantity::Seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Column {
        Column::Text(words.iter().map(|word| Some(*word)).collect())
    }

    #[test]
    fn quantities_are_ordered_by_value_and_names_by_appearance() {
        let axis = StudyAxis::new("link.up", &texts(&["1 Gbps", "100 Mbps", "1 Gbps", "250 Mbps"])).unwrap();
        assert_eq!(axis.levels, ["100 Mbps", "250 Mbps", "1 Gbps"]);
        assert_eq!((axis.level.as_slice(), axis.quantity), ([2, 0, 2, 1].as_slice(), Quantity::BitRate));
        assert_eq!(axis.positions().unwrap(), [1e9, 1e8, 1e9, 2.5e8]);
        let axis = StudyAxis::new("device", &texts(&["hbm2", "ddr4-2400", "hbm2"])).unwrap();
        assert_eq!(
            (axis.levels.as_slice(), axis.values),
            (["hbm2".to_owned(), "ddr4-2400".to_owned()].as_slice(), None)
        );
        let mixed = StudyAxis::new("memory", &texts(&["hbm2", "100 GB/s"])).unwrap();
        assert_eq!(mixed.values, None);
    }

    #[test]
    fn a_constant_is_no_axis_and_many_levels_are_grouped_evenly() {
        assert_eq!(StudyAxis::new("engines", &Column::Integer(vec![Some(4); 3])), None);
        let axis = StudyAxis::new("hardware.server.x_y", &Column::Number((0..100).map(f64::from).collect())).unwrap();
        let (groups, count) = axis.grouped(8);
        assert_eq!(count, 8);
        let sizes: Vec<usize> = (0..8).map(|group| groups.iter().filter(|own| **own == group).count()).collect();
        assert!(sizes.iter().all(|size| (12..=13).contains(size)), "{sizes:?}");
        assert_eq!(axis.title(), "server x y");
    }
}
