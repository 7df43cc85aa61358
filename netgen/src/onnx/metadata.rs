//! What a network has and an ONNX graph has no place for: stages and notes. It travels in the file's metadata as one TOML
//! document, which other tools carry along or drop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OnnxError;
use super::proto::StringStringEntryProto;
use crate::Network;

/// The key of the entry in `metadata_props`.
const KEY: &str = "pisim";

/// Stages and notes of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata {
    /// Names of the stages in order.
    pub stages: Vec<String>,
    /// The network's notes.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The stage of each layer, by the layer's name. A batch norm whose node is named here is a layer of its own and is not
    /// folded into the convolution before it.
    pub layers: BTreeMap<String, String>,
}

impl Metadata {
    pub fn of(network: &Network) -> Self {
        let stage = |index: usize| network.stages.get(index).cloned().unwrap_or_default();
        Self {
            stages: network.stages.clone(),
            notes: network.notes.clone(),
            layers: network.layers.iter().skip(1).map(|layer| (layer.name.clone(), stage(layer.stage))).collect(),
        }
    }

    /// As an entry of a file.
    pub fn entry(&self) -> Result<StringStringEntryProto, OnnxError> {
        let value = toml::to_string(self).map_err(|error| OnnxError::graph(format!("metadata `{KEY}`: {error}")))?;
        Ok(StringStringEntryProto { key: KEY.into(), value })
    }

    /// That of a file, if it has any.
    pub fn find(entries: &[StringStringEntryProto]) -> Result<Option<Self>, OnnxError> {
        let entry = entries.iter().find(|entry| entry.key == KEY);
        let parse = |entry: &StringStringEntryProto| {
            let wrong = |error: toml::de::Error| {
                OnnxError::graph(format!("the file's metadata `{KEY}` is damaged ({}); remove it", error.message()))
            };
            let metadata: Self = toml::from_str(&entry.value).map_err(wrong)?;
            // Names and notes end up on terminals and in tables.
            let texts =
                metadata.stages.iter().chain(&metadata.notes).chain(metadata.layers.iter().flat_map(|(a, b)| [a, b]));
            if texts.flat_map(|text| text.chars()).any(char::is_control) {
                let problem =
                    format!("the file's metadata `{KEY}` is damaged (control characters in a name); remove it");
                return Err(OnnxError::graph(problem));
            }
            Ok(metadata)
        };
        entry.map(parse).transpose()
    }
}
