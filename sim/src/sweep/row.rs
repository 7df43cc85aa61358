//! What a sweep keeps of one point: a row of its results.

use crate::result::{ByPhase, LayerCost, PhaseTraffic, Storage};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// The value of one axis at one point.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AxisValue {
    /// A whole number, such as gate engines.
    Integer(i64),
    /// Any other number, such as an efficiency.
    Number(f64),
    /// Text: a name, or a quantity with its unit as it stands in a file (`100 Mbps`).
    Text(String),
    /// True or false.
    Flag(bool),
}

impl fmt::Display for AxisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            // The shortest text that reads back as the same number.
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.pad(text),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// One point of a sweep with its results, or why it has none.
#[derive(Debug, Clone, PartialEq)]
pub struct PointRow {
    /// The point's number in the sweep's order, from 0.
    pub point: u64,
    /// Its value on every axis, in the order of the sweep's axes.
    pub axes: Vec<AxisValue>,
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// The name of the platform that was varied.
    pub hardware: String,
    /// What an inference takes there, or why the point cannot be evaluated.
    pub outcome: Result<PointMetrics, String>,
}

/// What one inference takes at one point (modelled).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PointMetrics {
    /// Seconds by phase.
    pub latency_s: ByPhase,
    /// Joules by phase.
    pub energy_j: ByPhase,
    /// Exact bytes on the wire.
    pub bytes: PhaseTraffic,
    /// Exact bytes stored per precompute.
    pub storage_bytes: Storage,
    /// Area of the client's accelerators, square millimetres; absent without an ASIC.
    pub client_area_mm2: Option<f64>,
    /// Area of the server's accelerators, square millimetres; absent without an ASIC.
    pub server_area_mm2: Option<f64>,
    /// Joules of all phases over seconds of all phases; 0 for an inference that takes no time.
    pub power_w: f64,
    /// Whether it fits the FPGA boards of both parties; true where there are none.
    pub fits: bool,
    /// What binds each phase, and the inference as a whole.
    pub bottleneck: PointBottlenecks,
    /// Every layer in the network's order, where the sweep asks for layers.
    pub layers: Option<Vec<LayerCost>>,
}

impl PointMetrics {
    /// Area of both parties' accelerators, square millimetres; absent without an ASIC.
    pub fn area_mm2(&self) -> Option<f64> {
        match (self.client_area_mm2, self.server_area_mm2) {
            (None, None) => None,
            (client, server) => Some(client.unwrap_or(0.0) + server.unwrap_or(0.0)),
        }
    }
}

/// What binds a phase: the unit whose own lower bound is nearest to the latency.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PointBinding {
    /// The unit's name (`server.gc-engine`, `link.down`, …); empty for a phase without work.
    pub unit: Cow<'static, str>,
    /// Its lower bound over the phase's latency, 0 to 1.
    pub share: f64,
}

/// What binds each phase, and all of them together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PointBottlenecks {
    /// Keys and base transfers.
    pub setup: PointBinding,
    /// Before the input is known.
    pub offline: PointBinding,
    /// From the input to the answer.
    pub online: PointBinding,
    /// The whole inference.
    pub total: PointBinding,
}

/// The value of one column at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A number with the column's unit.
    Number(f64),
    /// Bytes.
    Count(u64),
    /// Text.
    Text(&'a str),
    /// True or false.
    Flag(bool),
    /// The point has no such value.
    Missing,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// [`Cell::Number`], or missing.
    Number,
    /// [`Cell::Count`].
    Count,
    /// [`Cell::Text`].
    Text,
    /// [`Cell::Flag`].
    Flag,
}

/// One column of a sweep's results that is computed. The columns before it are `point`, every axis by its name, `network`,
/// `protocol`, `hardware` and `error` (empty where the point was evaluated, and all that follows is missing otherwise).
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name, with the unit at the end. Names are a public interface: add to them, never rename.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub meaning: &'static str,
    /// What it holds.
    pub kind: CellKind,
    /// Its value.
    pub of: fn(&PointMetrics) -> Cell<'_>,
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

const fn number(name: &'static str, meaning: &'static str, of: fn(&PointMetrics) -> Cell<'_>) -> Column {
    Column { name, meaning, kind: CellKind::Number, of }
}

const fn count(name: &'static str, meaning: &'static str, of: fn(&PointMetrics) -> Cell<'_>) -> Column {
    Column { name, meaning, kind: CellKind::Count, of }
}

const fn text(name: &'static str, meaning: &'static str, of: fn(&PointMetrics) -> Cell<'_>) -> Column {
    Column { name, meaning, kind: CellKind::Text, of }
}

fn optional(value: Option<f64>) -> Cell<'static> {
    value.map_or(Cell::Missing, Cell::Number)
}

/// The columns before the axes, in order.
pub const FIRST_COLUMNS: [&str; 1] = ["point"];

/// The columns between the axes and [`COLUMNS`], in order.
pub const NAME_COLUMNS: [&str; 4] = ["network", "protocol", "hardware", "error"];

/// All computed columns, in the order of a file.
pub const COLUMNS: [Column; 29] = [
    number("latency_setup_s", "Latency of the setup phase.", |point| Cell::Number(point.latency_s.setup)),
    number("latency_offline_s", "Latency of the offline phase.", |point| Cell::Number(point.latency_s.offline)),
    number("latency_online_s", "Latency of the online phase.", |point| Cell::Number(point.latency_s.online)),
    number("latency_total_s", "Latency of all phases.", |point| Cell::Number(point.latency_s.total)),
    number("energy_setup_j", "Energy of the setup phase, both parties.", |point| Cell::Number(point.energy_j.setup)),
    number("energy_offline_j", "Energy of the offline phase.", |point| Cell::Number(point.energy_j.offline)),
    number("energy_online_j", "Energy of the online phase.", |point| Cell::Number(point.energy_j.online)),
    number("energy_total_j", "Energy of all phases.", |point| Cell::Number(point.energy_j.total)),
    count("offline_up_bytes", "Client to server, offline phase.", |point| Cell::Count(point.bytes.offline.up)),
    count("offline_down_bytes", "Server to client, offline phase.", |point| Cell::Count(point.bytes.offline.down)),
    count("online_up_bytes", "Client to server, online phase.", |point| Cell::Count(point.bytes.online.up)),
    count("online_down_bytes", "Server to client, online phase.", |point| Cell::Count(point.bytes.online.down)),
    count("client_storage_bytes", "Stored at the client per precompute.", |point| {
        Cell::Count(point.storage_bytes.client)
    }),
    count("server_storage_bytes", "Stored at the server per precompute.", |point| {
        Cell::Count(point.storage_bytes.server)
    }),
    number("client_area_mm2", "Area of the client's ASIC; missing without one.", |point| {
        optional(point.client_area_mm2)
    }),
    number("server_area_mm2", "Area of the server's ASIC; missing without one.", |point| {
        optional(point.server_area_mm2)
    }),
    number("area_mm2", "Area of both ASICs; missing without any.", |point| optional(point.area_mm2())),
    number("power_w", "Average power: energy of all phases over their latency.", |point| Cell::Number(point.power_w)),
    Column {
        name: "fits",
        meaning: "Whether the accelerators fit their FPGA boards; true without boards.",
        kind: CellKind::Flag,
        of: |point| Cell::Flag(point.fits),
    },
    text("bottleneck_setup", "The unit whose lower bound is nearest to the setup latency.", |point| {
        Cell::Text(&point.bottleneck.setup.unit)
    }),
    text("bottleneck_offline", "The same of the offline phase.", |point| Cell::Text(&point.bottleneck.offline.unit)),
    text("bottleneck_online", "The same of the online phase.", |point| Cell::Text(&point.bottleneck.online.unit)),
    text("bottleneck_total", "The same of all phases together.", |point| Cell::Text(&point.bottleneck.total.unit)),
    number("bottleneck_setup_share", "That unit's lower bound over the setup latency, 0 to 1.", |point| {
        Cell::Number(point.bottleneck.setup.share)
    }),
    number("bottleneck_offline_share", "The same of the offline phase.", |point| {
        Cell::Number(point.bottleneck.offline.share)
    }),
    number("bottleneck_online_share", "The same of the online phase.", |point| {
        Cell::Number(point.bottleneck.online.share)
    }),
    number("bottleneck_total_share", "The same of all phases together.", |point| {
        Cell::Number(point.bottleneck.total.share)
    }),
    count("wire_bytes", "Both directions, all phases, setup included.", |point| {
        let bytes = &point.bytes;
        Cell::Count([bytes.setup, bytes.offline, bytes.online].iter().map(|phase| phase.up + phase.down).sum())
    }),
    count("storage_bytes", "Stored at both parties per precompute.", |point| {
        Cell::Count(point.storage_bytes.client + point.storage_bytes.server)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_column_has_its_own_name_and_holds_its_kind() {
        let names: BTreeSet<&str> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        let metrics = PointMetrics { client_area_mm2: Some(1.0), server_area_mm2: Some(2.0), ..Default::default() };
        for column in &COLUMNS {
            let kind = match (column.of)(&metrics) {
                Cell::Number(_) => CellKind::Number,
                Cell::Count(_) => CellKind::Count,
                Cell::Text(_) => CellKind::Text,
                Cell::Flag(_) => CellKind::Flag,
                Cell::Missing => panic!("{} is missing", column.name),
            };
            assert_eq!(kind, column.kind, "{}", column.name);
        }
        assert_eq!(metrics.area_mm2(), Some(3.0));
        assert_eq!(PointMetrics::default().area_mm2(), None);
    }

    #[test]
    fn values_print_as_they_read_back() {
        assert_eq!(AxisValue::Number(0.1).to_string().parse::<f64>().unwrap(), 0.1);
        assert_eq!(AxisValue::Number(2.0).to_string(), "2.0", "a number stays one in TOML");
        assert_eq!(AxisValue::Integer(2).to_string(), "2");
        assert_eq!(AxisValue::Text("100 Mbps".into()).to_string(), "100 Mbps");
    }
}
