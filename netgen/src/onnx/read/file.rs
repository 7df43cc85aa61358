//! Bytes from disk and their decoding, both within bounds: a file is never trusted to say how much memory it needs.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use prost::Message;

use super::Result;
use crate::onnx::OnnxError;
use crate::onnx::proto::{ModelProto, NodeSkeletons, Skeleton, StringStringEntryProto};

/// Largest file that protobuf readers accept, bytes (2 GiB).
const MAX_FILE_BYTES: u64 = 1 << 31;

/// Most nodes, initializers or attributes of a file. A message of two bytes becomes a structure of hundreds; a network has
/// at most 2^14 layers.
const MAX_MESSAGES: usize = 1 << 17;

/// Reads a whole file that is not larger than an ONNX file can be.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| OnnxError::Io { file: path.display().to_string(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(OnnxError::graph("the file is larger than 2 GiB, which no ONNX file can be"));
    }
    Ok(bytes)
}

/// Decodes a file after counting what is in it.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto> {
    if bytes.is_empty() {
        return Err(OnnxError::graph("the file is empty"));
    }
    let check = |what: &str, count: usize| {
        if count > MAX_MESSAGES {
            return Err(OnnxError::graph(format!("the file has {count} {what}; at most {MAX_MESSAGES} are accepted")));
        }
        Ok(())
    };
    let skeleton = Skeleton::decode(bytes)?;
    let graph = skeleton.graph.ok_or_else(|| OnnxError::graph("the file has no graph: not an ONNX model"))?;
    let counts = [
        ("nodes", graph.node.len()),
        ("initializers", graph.initializer.len()),
        ("inputs", graph.input.len()),
        ("outputs", graph.output.len()),
        ("metadata entries", skeleton.metadata_props.len()),
        ("operator sets", skeleton.opset_import.len()),
    ];
    counts.iter().try_for_each(|&(what, count)| check(what, count))?;
    let nodes = NodeSkeletons::decode(bytes)?.graph.map(|graph| graph.node).unwrap_or_default();
    check("attributes", nodes.iter().map(|node| node.attribute.len()).sum())?;
    Ok(ModelProto::decode(bytes)?)
}

/// Where tensors whose data lies in files of their own are looked for.
pub(super) enum External {
    /// Beside the ONNX file.
    In(PathBuf),
    /// There are only bytes, and no folder.
    Nowhere,
}

impl External {
    /// The `expected` bytes of a tensor. The location must be a plain relative path below the folder.
    pub fn bytes(&self, tensor: &str, entries: &[StringStringEntryProto], expected: u64) -> Result<Vec<u8>> {
        let wrong = |problem: String| OnnxError::tensor(tensor, problem);
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let number = |key: &str| {
            let parse = |text: &str| {
                text.parse::<u64>().map_err(|_| wrong(format!("{key} of its external data is `{text}`, not a number")))
            };
            entry(key).map(parse).transpose()
        };
        let location = entry("location").ok_or_else(|| wrong("its external data has no location".into()))?;
        let Self::In(folder) = self else {
            return Err(wrong(format!("its data lies in another file, {location}, which is not there")));
        };
        let relative = Path::new(location);
        if location.is_empty()
            || !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return Err(wrong(format!(
                "the location `{location}` of its external data is not below the file's own folder"
            )));
        }
        let offset = number("offset")?.unwrap_or(0);
        if let Some(length) = number("length")?
            && length != expected
        {
            return Err(wrong(format!("its external data has {length} bytes, but its dimensions need {expected}")));
        }
        let path = folder.join(relative);
        let io = |source| wrong(format!("its external data {} cannot be read: {source}", path.display()));
        let mut file = std::fs::File::open(&path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        if offset.checked_add(expected).is_none_or(|end| end > size) {
            return Err(wrong(format!(
                "its external data are bytes {offset} to {} of {}, which has {size}",
                offset.saturating_add(expected),
                path.display()
            )));
        }
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(expected).read_to_end(&mut bytes).map_err(io)?;
        Ok(bytes)
    }
}
