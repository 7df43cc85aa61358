//! Which bank, row and column of which channel holds an address.

use super::device::LINE_BYTES;
use super::system::DramSystem;

/// Which address bits change first along a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddressMapping {
    /// Column bits lowest: a stream stays in one row of one bank until the row ends.
    Column,
    /// Bank-group bits lowest: consecutive lines rotate over the bank groups.
    #[default]
    BankGroup,
}

/// How much of a stream goes to one channel before the next one takes over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Interleave {
    /// One line.
    #[serde(rename = "64B")]
    Line,
    /// 1 KiB.
    #[default]
    #[serde(rename = "1K")]
    Kibibyte,
}

impl Interleave {
    /// Lines before the channel changes.
    pub fn lines(self) -> u64 {
        match self {
            Self::Line => 1,
            Self::Kibibyte => 1_024 / LINE_BYTES,
        }
    }
}

/// Where a line is. Its columns are not needed: rows are opened as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Channel.
    pub channel: usize,
    /// Bank, counted over all ranks and groups of the channel: (rank × groups + group) × banks per group + bank.
    pub bank: usize,
    /// Row.
    pub row: u64,
}

/// A part of an address.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Channel,
    Column,
    Group,
    Bank,
    Rank,
}

/// Some bits of a part: which, how many values they take, and what one of them counts.
#[derive(Debug, Clone, Copy)]
struct Field {
    part: Part,
    values: u64,
    weight: u64,
}

/// What an aligned block of lines covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    /// Channels.
    pub channels: f64,
    /// Lines of each row that it touches.
    pub columns: f64,
    /// Bank groups.
    pub groups: f64,
}

/// A mapping made ready: its fields from the lowest up; the row is what remains.
#[derive(Debug, Clone)]
pub struct AddressMap {
    fields: Vec<Field>,
    groups: u64,
    banks_per_group: u64,
    rows: u64,
}

impl AddressMap {
    /// The map of a system. Low to high: the first [`Interleave::lines`] of the order within a channel, the channel, the rest
    /// of that order, the rank, the row. The order within a channel is columns, groups, banks (or columns, banks, groups; see
    /// [`Device::groups_before_banks`](super::Device)) for [`AddressMapping::Column`] and groups, columns, banks for
    /// [`AddressMapping::BankGroup`]. These are the mappings of the published runs that `pisim validate` compares with.
    pub fn new(system: &DramSystem) -> Self {
        let device = system.device;
        let column = (Part::Column, device.lines_per_row());
        let (group, bank) = ((Part::Group, device.groups), (Part::Bank, device.banks_per_group));
        let inside = match system.mapping {
            AddressMapping::BankGroup => [group, column, bank],
            AddressMapping::Column if device.groups_before_banks => [column, group, bank],
            AddressMapping::Column => [column, bank, group],
        };
        let mut fields = Vec::with_capacity(6);
        let mut before = system.interleave.lines();
        let mut channel = Some(Field { part: Part::Channel, values: system.channels, weight: 1 });
        for (part, values) in inside {
            let low = values.min(before);
            fields.push(Field { part, values: low, weight: 1 });
            before /= low;
            if before <= 1 {
                fields.extend(channel.take());
            }
            fields.push(Field { part, values: values / low, weight: low });
        }
        fields.extend(channel);
        fields.push(Field { part: Part::Rank, values: system.ranks, weight: 1 });
        fields.retain(|field| field.values > 1);
        Self { fields, groups: device.groups, banks_per_group: device.banks_per_group, rows: device.rows }
    }

    /// What an aligned block of so many lines covers: it counts through the fields from the lowest up.
    pub(super) fn span(&self, lines: u64) -> Span {
        let (mut rest, mut span) = (lines.max(1) as f64, Span { channels: 1.0, columns: 1.0, groups: 1.0 });
        for field in &self.fields {
            let covered = rest.min(field.values as f64);
            rest = (rest / covered).max(1.0);
            match field.part {
                Part::Channel => span.channels *= covered,
                Part::Column => span.columns *= covered,
                Part::Group => span.groups *= covered,
                Part::Bank | Part::Rank => {}
            }
        }
        span
    }

    /// Where the line with this number is; addresses beyond the memory start again at its beginning.
    pub fn place(&self, line: u64) -> Place {
        let (mut rest, mut channel, mut group, mut bank, mut rank) = (line, 0, 0, 0, 0);
        for field in &self.fields {
            let value = rest % field.values * field.weight;
            rest /= field.values;
            match field.part {
                Part::Channel => channel += value,
                Part::Group => group += value,
                Part::Bank => bank += value,
                Part::Rank => rank += value,
                Part::Column => {}
            }
        }
        let bank = (rank * self.groups + group) * self.banks_per_group + bank;
        Place { channel: channel as usize, bank: bank as usize, row: rest % self.rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram::Device;
    use std::collections::HashSet;

    fn system(device: &str, channels: u64, mapping: AddressMapping, interleave: Interleave) -> DramSystem {
        DramSystem { device: Device::named(device).unwrap(), channels, ranks: 2, mapping, interleave }
    }

    #[test]
    fn every_line_of_a_row_set_has_its_own_place_in_every_mapping() {
        for device in ["ddr4-3200", "hbm2", "lpddr4", "hbm2-pseudo"] {
            for mapping in [AddressMapping::Column, AddressMapping::BankGroup] {
                for interleave in [Interleave::Line, Interleave::Kibibyte] {
                    let system = system(device, 4, mapping, interleave);
                    let map = AddressMap::new(&system);
                    // The lines of row 0 of all banks, ranks and channels come first, each bank's as often as a row has lines.
                    let banks = system.device.banks() * 2 * 4;
                    let lines = banks * system.device.lines_per_row();
                    let places: HashSet<Place> = (0..lines).map(|line| map.place(line)).collect();
                    assert_eq!(places.len() as u64, banks, "{device} {mapping:?} {interleave:?}");
                    assert!(places.iter().all(|place| place.row == 0));
                    assert_eq!(map.place(lines).row, 1);
                }
            }
        }
    }

    #[test]
    fn a_block_spans_what_its_lines_touch() {
        for device in ["ddr4-3200", "hbm2", "hbm2-pseudo"] {
            for mapping in [AddressMapping::Column, AddressMapping::BankGroup] {
                for interleave in [Interleave::Line, Interleave::Kibibyte] {
                    let map = AddressMap::new(&system(device, 4, mapping, interleave));
                    for lines in [1, 2, 8, 64, 256, 1_024] {
                        let places: HashSet<Place> = (0..lines).map(|line| map.place(line)).collect();
                        let channels: HashSet<usize> = places.iter().map(|place| place.channel).collect();
                        let span = map.span(lines);
                        assert_eq!(span.channels, channels.len() as f64, "{device} {mapping:?} {interleave:?} {lines}");
                        assert_eq!(lines as f64 / span.columns, places.len() as f64, "{device} {mapping:?} {lines}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_named_bits_change_first() {
        let at = |mapping, interleave| AddressMap::new(&system("ddr4-3200", 2, mapping, interleave));
        let column = at(AddressMapping::Column, Interleave::Kibibyte);
        assert_eq!(
            [0, 15, 16, 32].map(|line| (column.place(line).channel, column.place(line).bank)),
            [(0, 0), (0, 0), (1, 0), (0, 0)]
        );
        let group = at(AddressMapping::BankGroup, Interleave::Line);
        assert_eq!(
            [0, 1, 2, 4].map(|line| (group.place(line).channel, group.place(line).bank)),
            [(0, 0), (1, 0), (0, 4), (0, 8)]
        );
    }
}
