//! Names and stages of layers, from what a file tells about them.

use std::collections::HashMap;

use super::draft::DraftLayer;
use crate::onnx::metadata::Metadata;
use crate::{LayerId, NetworkBuilder, Op};

/// A node's name as a layer's: `/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`.
pub(in crate::onnx) fn readable(node: &str, operator: &str) -> String {
    let parts: Vec<&str> = node.split('/').filter(|part| !part.is_empty()).collect();
    let is_operator = |part: &str| {
        part.strip_prefix(operator).is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('_').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    // The path of modules repeats the beginning of the next one's name.
    let repeated = |index: usize| {
        parts
            .get(index + 1)
            .zip(parts.get(index))
            .is_some_and(|(next, part)| next.strip_prefix(part).is_some_and(|rest| rest.starts_with('.')))
    };
    let is_last = |index: usize| index + 1 == parts.len();
    let kept: Vec<&str> = parts
        .iter()
        .enumerate()
        .filter(|&(index, part)| !repeated(index) && (!is_last(index) || index == 0 || !is_operator(part)))
        .map(|(_, part)| *part)
        .collect();
    // Names end up in tables.
    let name: String = kept.join(".").chars().filter(|char| !char.is_control()).take(120).collect();
    if name.is_empty() { operator.to_lowercase() } else { name }
}

/// The stage of each layer: from the file's metadata, or from names like `layer2`, or from resolutions.
pub(super) fn assign(layers: &[DraftLayer], shapes: &NetworkBuilder, metadata: Option<&Metadata>) -> Vec<String> {
    if let Some(metadata) = metadata {
        return from_metadata(layers, metadata);
    }
    let numbers: Vec<Option<u32>> = layers.iter().map(|layer| stage_number(&layer.name)).collect();
    if numbers.iter().any(Option::is_some) { from_names(&numbers) } else { from_resolutions(layers, shapes) }
}

/// A layer that was added since belongs to the stage of what it reads.
fn from_metadata(layers: &[DraftLayer], metadata: &Metadata) -> Vec<String> {
    let first = metadata.stages.first().cloned().unwrap_or_else(|| "s1".into());
    let mut stages: Vec<String> = Vec::with_capacity(layers.len());
    for layer in layers {
        let read = layer.inputs.last().and_then(|input| stages.get(input.0));
        let stage = metadata.layers.get(&layer.name).or(read).unwrap_or(&first);
        stages.push(stage.clone());
    }
    stages
}

/// 2 for `layer2.0.conv1`, `stage2/…` or `s2.b1.add`.
fn stage_number(name: &str) -> Option<u32> {
    let words = name.split(|char: char| !char.is_ascii_alphanumeric());
    let number = |word: &str| {
        let digits = ["layer", "stage", "s"].iter().find_map(|prefix| word.strip_prefix(prefix))?;
        digits.parse().ok().filter(|_| digits.len() <= 2)
    };
    words.map(str::to_ascii_lowercase).find_map(|word| number(&word))
}

/// What comes before the first numbered layer is the stem, what comes after the last one the head; others belong to the
/// number before them.
fn from_names(numbers: &[Option<u32>]) -> Vec<String> {
    let first = numbers.iter().position(Option::is_some).unwrap_or(0);
    let last = numbers.iter().rposition(Option::is_some).unwrap_or(0);
    let mut current = String::new();
    let stage = |(index, number): (usize, &Option<u32>)| {
        if let Some(number) = number {
            current = format!("s{number}");
        }
        match index {
            index if index < first => "stem".to_owned(),
            index if index > last => "head".to_owned(),
            _ => current.clone(),
        }
    };
    numbers.iter().enumerate().map(stage).collect()
}

/// Each resolution is a stage; a pool belongs to the stage that it ends. In residual networks, what comes before the first
/// block is the stem. From the global pool or the first fully connected layer on, it is the head.
fn from_resolutions(layers: &[DraftLayer], shapes: &NetworkBuilder) -> Vec<String> {
    let mut readers: HashMap<LayerId, usize> = HashMap::new();
    for input in layers.iter().flat_map(|layer| &layer.inputs) {
        *readers.entry(*input).or_default() += 1;
    }
    let is_residual = layers.iter().any(|layer| layer.op == Op::Add);
    let branches = |index: usize| index > 0 && readers.get(&LayerId(index)).is_some_and(|&count| count > 1);
    let stem_end = (0..layers.len()).find(|&index| is_residual && branches(index));
    let is_head = |op: &Op| matches!(op, Op::Linear { .. } | Op::GlobalAvgPool);
    let last_conv = layers.iter().rposition(|layer| matches!(layer.op, Op::Conv(_))).unwrap_or(0);
    let head = (last_conv..layers.len()).find(|&index| layers.get(index).is_some_and(|layer| is_head(&layer.op)));
    let mut resolutions: Vec<usize> = Vec::new();
    let mut stage = |(index, layer): (usize, &DraftLayer)| {
        if head.is_some_and(|head| index >= head) {
            return "head".to_owned();
        }
        if stem_end.is_some_and(|end| index <= end) {
            return "stem".to_owned();
        }
        let at = match (&layer.op, layer.inputs.first()) {
            (Op::AvgPool { .. } | Op::MaxPool { .. }, Some(&input)) => input,
            _ => LayerId(index),
        };
        let pixels = shapes.shape(at).pixels();
        let number = resolutions.iter().position(|&known| known == pixels).unwrap_or_else(|| {
            resolutions.push(pixels);
            resolutions.len() - 1
        });
        format!("s{}", number + 1)
    };
    // The input belongs to no layer's work; counting it would shift the stages of a network that begins with a pool.
    std::iter::once(String::new()).chain(layers.iter().enumerate().skip(1).map(&mut stage)).collect()
}
