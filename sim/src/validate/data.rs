//! The published tables of `tests/data/published`, compiled in.

use super::ValidateError;
use std::collections::BTreeMap;

/// One of the published tables.
struct Table {
    name: &'static str,
    text: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table { name: $name, text: include_str!(concat!("../../../tests/data/published/", $name)) }
    };
}

const RESNET18_LAYERS: Table = table!("delphi_epyc7502_resnet18_32_layers.csv");
const RESNET18_TOTALS: Table = table!("delphi_epyc7502_resnet18_32_totals.csv");
const RESNET32_LAYERS: Table = table!("delphi_epyc7502_resnet32_32_layers.csv");
const RESNET32_TOTALS: Table = table!("delphi_epyc7502_resnet32_32_totals.csv");
const LAYER_PARALLEL: Table = table!("delphi_epyc7502_resnet18_32_layer_parallel.csv");
const BENCHMARKS: Table = table!("delphi_relu_gc_benchmarks.csv");
const ONE_INFERENCE: Table = table!("cryptonite_one_inference.csv");
const DRAM_EFFICIENCY: Table = table!("dram_efficiency.csv");
const DRAM_LATENCY: Table = table!("dram_latency.csv");

/// A network with published rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// ResNet-18 on CIFAR-10: constants are fitted on its rows.
    ResNet18,
    /// ResNet-32 on CIFAR-10: never fitted.
    ResNet32,
}

impl Published {
    /// Both networks.
    pub const ALL: [Self; 2] = [Self::ResNet18, Self::ResNet32];

    /// The name in published tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet18 => "resnet18",
            Self::ResNet32 => "resnet32",
        }
    }

    /// The built-in network whose layers correspond one to one to the rows: the measured one, without 1×1 shortcuts.
    pub fn network(self) -> &'static str {
        match self {
            Self::ResNet18 => "resnet18-cryptonite",
            Self::ResNet32 => "resnet32-cryptonite",
        }
    }

    /// Its linear layers, in order.
    pub(super) fn layers(self) -> Result<Vec<LayerRow>, ValidateError> {
        let table = match self {
            Self::ResNet18 => &RESNET18_LAYERS,
            Self::ResNet32 => &RESNET32_LAYERS,
        };
        let row = |row: Row| {
            Ok(LayerRow {
                client_encrypt_s: row.number("client_encrypt_s")?,
                upload_bytes: row.number("upload_bytes")?,
                server_he_eval_s: row.number("server_he_eval_s")?,
                download_bytes: row.number("download_bytes")?,
                client_decrypt_s: row.number("client_decrypt_s")?,
            })
        };
        table.rows()?.into_iter().map(row).collect()
    }

    /// Its one-off and summed quantities.
    pub(super) fn totals(self) -> Result<Totals, ValidateError> {
        let table = match self {
            Self::ResNet18 => &RESNET18_TOTALS,
            Self::ResNet32 => &RESNET32_TOTALS,
        };
        let pair = |row: Row| Ok((row.text("quantity")?.to_owned(), row.number("value")?));
        let values = table.rows()?.into_iter().map(pair).collect::<Result<_, ValidateError>>()?;
        Ok(Totals { table: table.name, values })
    }
}

/// One linear layer as published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LayerRow {
    pub client_encrypt_s: f64,
    pub upload_bytes: f64,
    pub server_he_eval_s: f64,
    pub download_bytes: f64,
    pub client_decrypt_s: f64,
}

/// One network's one-off and summed quantities.
pub(super) struct Totals {
    table: &'static str,
    values: BTreeMap<String, f64>,
}

impl Totals {
    pub fn get(&self, quantity: &str) -> Result<f64, ValidateError> {
        let missing = || ValidateError::Data { table: self.table, problem: format!("there is no `{quantity}`") };
        self.values.get(quantity).copied().ok_or_else(missing)
    }
}

/// Seconds of homomorphic evaluation of ResNet-18's convolutions, by number of threads with one layer each.
pub(super) fn layer_parallel() -> Result<Vec<(u64, f64)>, ValidateError> {
    let row = |row: Row| Ok((row.number("threads")? as u64, row.number("he_eval_s")?));
    LAYER_PARALLEL.rows()?.into_iter().map(row).collect()
}

/// One benchmark of garbled ReLUs on one thread.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Benchmark {
    /// `epyc7502` or `atom-z8350`.
    pub device: String,
    /// `garble` or `evaluate`.
    pub operation: String,
    /// ReLUs in the batch.
    pub relus: f64,
    /// Seconds of the whole batch.
    pub seconds: f64,
}

/// All benchmarks of garbled ReLUs.
pub(super) fn benchmarks() -> Result<Vec<Benchmark>, ValidateError> {
    let row = |row: Row| {
        Ok(Benchmark {
            device: row.text("device")?.to_owned(),
            operation: row.text("operation")?.to_owned(),
            relus: row.number("relus")?,
            seconds: row.number("seconds")?,
        })
    };
    BENCHMARKS.rows()?.into_iter().map(row).collect()
}

/// One inference under the published latency model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OneInference {
    /// Who garbles: `server` or `client`.
    pub garbler: String,
    /// Seconds before the input is known, keys included.
    pub offline_s: f64,
    /// Seconds from the input to the answer.
    pub online_s: f64,
}

/// The one-inference figures of a network.
pub(super) fn one_inference(network: Published) -> Result<Vec<OneInference>, ValidateError> {
    let mut found = Vec::new();
    for row in ONE_INFERENCE.rows()? {
        if row.text("network")? == network.name() {
            let garbler = row.text("garbler")?.to_owned();
            found.push(OneInference {
                garbler,
                offline_s: row.number("offline_s")?,
                online_s: row.number("online_s")?,
            });
        }
    }
    Ok(found)
}

/// The rows of a measured table that another crate has.
pub(super) fn rows(name: &'static str, text: &'static str) -> Result<Vec<Row>, ValidateError> {
    Table { name, text }.rows()
}

/// What one access pattern reaches on one memory, in per cent of its peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DramRow {
    pub device: &'static str,
    pub channels: u64,
    /// `column` or `bank-group`.
    pub mapping: &'static str,
    /// `64B` or `1K`.
    pub interleave: &'static str,
    pub pattern: &'static str,
    /// By DRAMsim3 and, where it models the same, by Ramulator 2.1.
    pub simulators: [Option<f64>; 2],
}

/// All patterns on all memories.
pub(super) fn dram_efficiency() -> Result<Vec<DramRow>, ValidateError> {
    let row = |row: Row| {
        let number = |column| if row.text(column)?.is_empty() { Ok(None) } else { row.number(column).map(Some) };
        Ok(DramRow {
            device: row.text("device")?,
            channels: row.number("channels")? as u64,
            mapping: row.text("mapping")?,
            interleave: row.text("interleave")?,
            pattern: row.text("pattern")?,
            simulators: [number("dramsim3")?, number("ramulator")?],
        })
    };
    DRAM_EFFICIENCY.rows()?.into_iter().map(row).collect()
}

/// Unloaded reads of random lines by device, in nanoseconds.
pub(super) fn dram_latency() -> Result<Vec<(&'static str, f64)>, ValidateError> {
    let row = |row: Row| Ok((row.text("device")?, row.number("unloaded_read_ns")?));
    DRAM_LATENCY.rows()?.into_iter().map(row).collect()
}

/// One row of a table.
pub(super) struct Row {
    table: &'static str,
    cells: BTreeMap<&'static str, &'static str>,
}

impl Table {
    /// Plain comma-separated values: the published tables have no quotes.
    fn rows(&self) -> Result<Vec<Row>, ValidateError> {
        let mut lines = self.text.lines();
        let header: Vec<&'static str> = lines.next().unwrap_or_default().split(',').collect();
        let row = |line: &'static str| {
            let cells: Vec<&'static str> = line.split(',').collect();
            if cells.len() != header.len() {
                let problem = format!("`{line}` has {} cells, the header {}", cells.len(), header.len());
                return Err(ValidateError::Data { table: self.name, problem });
            }
            Ok(Row { table: self.name, cells: header.iter().copied().zip(cells).collect() })
        };
        lines.map(row).collect()
    }
}

impl Row {
    pub(super) fn text(&self, column: &str) -> Result<&'static str, ValidateError> {
        let missing = || ValidateError::Data { table: self.table, problem: format!("there is no column `{column}`") };
        self.cells.get(column).copied().ok_or_else(missing)
    }

    pub(super) fn number(&self, column: &str) -> Result<f64, ValidateError> {
        let text = self.text(column)?;
        let wrong = |_| ValidateError::Data { table: self.table, problem: format!("`{text}` is no number") };
        text.parse().map_err(wrong)
    }
}
