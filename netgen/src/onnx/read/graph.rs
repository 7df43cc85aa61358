//! The graph as a whole: its one input and one output, the nodes that lead to the output in an order in which each comes after
//! what it reads, and who reads what.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::file::External;
use super::{Node, Result};
use crate::onnx::OnnxError;
use crate::onnx::metadata::Metadata;
use crate::onnx::proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto};

/// Versions of the operator set whose operators mean what pisim takes them to mean.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=23;

/// A graph whose structure was checked.
pub(in crate::onnx) struct Graph<'a> {
    /// The graph's own name.
    pub name: &'a str,
    /// All nodes, in the file's order.
    pub nodes: Vec<Node<'a>>,
    /// Indices of the nodes that the output needs, each after those that it reads, otherwise in the file's order.
    pub order: Vec<usize>,
    /// The nodes of `order` that read each value, once for each time that they do.
    readers: HashMap<&'a str, Vec<usize>>,
    /// Constant tensors of the file, by name.
    pub initializers: HashMap<&'a str, &'a TensorProto>,
    /// The client's input.
    pub input: &'a ValueInfoProto,
    /// Name of the value that holds the logits.
    pub output: &'a str,
    /// What pisim wrote about the network, if it did.
    pub metadata: Option<Metadata>,
    /// Where tensors find data outside the file.
    pub external: &'a External,
}

impl<'a> Graph<'a> {
    pub fn new(file: &'a ModelProto, external: &'a External) -> Result<Self> {
        let graph = file.graph.as_ref().ok_or_else(|| OnnxError::graph("the file has no graph"))?;
        check_opset(file)?;
        if !graph.sparse_initializer.is_empty() {
            return Err(OnnxError::graph("sparse initializers are not supported; expected dense ones"));
        }
        let nodes: Vec<Node> = graph.node.iter().map(Node::new).collect();
        let initializers: HashMap<&str, &TensorProto> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let input = only_input(graph, &initializers)?;
        let output = only_output(graph)?;
        let producers = producers(&nodes, &initializers, &input.name)?;
        let needed = needed(&nodes, &producers, output);
        let (order, readers) = order(&nodes, &producers, &needed)?;
        let metadata = Metadata::find(&file.metadata_props)?;
        Ok(Self { name: &graph.name, nodes, order, readers, initializers, input, output, metadata, external })
    }

    /// The nodes that read a value, once for each time that they do; the graph's output counts as no reader.
    pub fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether a value is read more than once, as the graph's output included.
    pub fn is_shared(&self, value: &str) -> bool {
        self.readers(value).len() + usize::from(value == self.output) > 1
    }

    /// Whether a node's name is that of a layer in the file's metadata.
    pub fn names_layer(&self, node: &Node<'_>) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| metadata.layers.contains_key(node.name))
    }
}

/// Refuses versions of the standard operator set that nobody has read yet. The supported versions say the same thing in
/// different places (an attribute, later an input), so that no operator needs to know which one it is.
fn check_opset(file: &ModelProto) -> Result<()> {
    let standard = file.opset_import.iter().find(|set| is_standard(&set.domain));
    let version = standard.map(|set| set.version).ok_or_else(|| {
        OnnxError::graph("the file does not say which version of the standard operator set it is written in")
    })?;
    if !OPSETS.contains(&version) {
        let (first, last) = (OPSETS.start(), OPSETS.end());
        return Err(OnnxError::graph(format!(
            "version {version} of the operator set is not supported; supported are {first} to {last}"
        )));
    }
    Ok(())
}

fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn only_input<'a>(graph: &'a GraphProto, initializers: &HashMap<&str, &TensorProto>) -> Result<&'a ValueInfoProto> {
    // Older files list their weights among the inputs.
    let inputs: Vec<_> = graph.input.iter().filter(|input| !initializers.contains_key(input.name.as_str())).collect();
    match inputs.as_slice() {
        [input] => Ok(input),
        others => Err(expected_one("input, the image", others.iter().map(|input| &input.name))),
    }
}

fn only_output(graph: &GraphProto) -> Result<&str> {
    match graph.output.as_slice() {
        [output] => Ok(&output.name),
        others => Err(expected_one("output, the logits", others.iter().map(|output| &output.name))),
    }
}

fn expected_one<'a>(what: &str, found: impl ExactSizeIterator<Item = &'a String>) -> OnnxError {
    let count = found.len();
    let names: Vec<&str> = found.take(8).map(String::as_str).collect();
    OnnxError::graph(format!("the graph must have one {what}; it has {count} ({})", names.join(", ")))
}

/// The node that computes each value.
fn producers<'a>(
    nodes: &[Node<'a>],
    initializers: &HashMap<&str, &TensorProto>,
    input: &str,
) -> Result<HashMap<&'a str, usize>> {
    let mut producers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if node.output().is_empty() {
            return Err(node.error("it has no output"));
        }
        for output in node.outputs().iter().filter(|output| !output.is_empty()) {
            let taken = output == input || initializers.contains_key(output.as_str());
            if taken || producers.insert(output.as_str(), index).is_some() {
                return Err(node.error(format!("its output `{output}` is computed elsewhere too")));
            }
        }
    }
    Ok(producers)
}

/// The nodes that the output depends on.
fn needed(nodes: &[Node<'_>], producers: &HashMap<&str, usize>, output: &str) -> HashSet<usize> {
    let mut needed = HashSet::new();
    let mut open: Vec<usize> = producers.get(output).copied().into_iter().collect();
    while let Some(index) = open.pop() {
        if needed.insert(index) {
            let inputs = nodes.get(index).map_or(&[][..], Node::inputs);
            open.extend(inputs.iter().filter_map(|input| producers.get(input.as_str())));
        }
    }
    needed
}

/// The nodes that read each value, by its name.
type Readers<'a> = HashMap<&'a str, Vec<usize>>;

/// Sorts the needed nodes so that each comes after those that it reads, otherwise in the file's order.
fn order<'a>(
    nodes: &[Node<'a>],
    producers: &HashMap<&str, usize>,
    needed: &HashSet<usize>,
) -> Result<(Vec<usize>, Readers<'a>)> {
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut waiting: HashMap<usize, usize> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for (index, node) in nodes.iter().enumerate().filter(|(index, _)| needed.contains(index)) {
        if !matches!(node.domain(), "" | "ai.onnx") {
            return Err(
                node.error(format!("the operator domain `{}` is not supported; supported is ai.onnx", node.domain()))
            );
        }
        let mut computed = 0;
        for input in node.inputs().iter().filter(|input| !input.is_empty()) {
            readers.entry(input.as_str()).or_default().push(index);
            computed += usize::from(producers.contains_key(input.as_str()));
        }
        waiting.insert(index, computed);
        if computed == 0 {
            ready.push(Reverse(index));
        }
    }
    let mut order = Vec::with_capacity(needed.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        let outputs = nodes.get(index).map_or(&[][..], Node::outputs);
        for reader in outputs.iter().filter_map(|output| readers.get(output.as_str())).flatten() {
            if let Some(count) = waiting.get_mut(reader) {
                *count -= 1;
                if *count == 0 {
                    ready.push(Reverse(*reader));
                }
            }
        }
    }
    let stuck = nodes.iter().enumerate().find(|(index, _)| waiting.get(index).is_some_and(|count| *count > 0));
    match stuck {
        Some((_, node)) => Err(node.error("the graph has a cycle: the node depends on its own output")),
        None => Ok((order, readers)),
    }
}
