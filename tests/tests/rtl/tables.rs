//! The measured tables next to the RTL, and how near the model's are.

use super::tools::{asked_to, rtl_folder};
use pisim_hw_models::rtl::Core;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// One row of `cycles.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycles {
    pub core: String,
    pub interval: u64,
    pub latency: u64,
}

/// One row of `resources.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    pub core: String,
    pub lut: u64,
    pub ff: u64,
    pub dsp: u64,
    pub bram36: u64,
}

impl Resources {
    /// What the model has otherwise, beyond a limit in per cent; DSP blocks and memories must be the same.
    pub fn misses(&self, core: &Core, limit_pct: f64) -> Vec<String> {
        let model = core.resources;
        let rows = [
            ("LUT", self.lut, model.lut, limit_pct),
            ("FF", self.ff, model.ff, limit_pct),
            ("DSP", self.dsp, model.dsp, 0.0),
            ("BRAM", self.bram36, model.bram36, 0.0),
        ];
        let miss = |(what, found, modelled, limit): (&str, u64, u64, f64)| {
            let near = modelled.abs_diff(found) as f64 <= limit / 100.0 * found as f64;
            (!near).then(|| format!("{}: {found} {what} synthesised, {modelled} in the model", core.name))
        };
        rows.into_iter().filter_map(miss).collect()
    }
}

/// Holds a measured table against the file, or prints and writes it when asked to.
pub fn compare_or_write<T>(file: &str, measured: &[T])
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug,
{
    let path = rtl_folder().join(file);
    if asked_to("write") {
        let mut writer = csv::Writer::from_writer(Vec::new());
        measured.iter().for_each(|row| writer.serialize(row).unwrap());
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        println!("{text}");
        std::fs::write(path, text).unwrap();
        return;
    }
    let stored: Vec<T> = csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect();
    assert_eq!(stored, measured, "{file} is not what was measured; PISIM_RTL=write renews it");
}
