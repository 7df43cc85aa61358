//! An ONNX file as a model: decode, order the nodes, turn each into layers while batch norms and paddings fold into their
//! neighbours, find the stages.

mod activation;
mod affine;
mod channels;
mod constant;
mod draft;
mod file;
mod graph;
mod linear;
mod mask;
mod node;
mod pool;
mod shape;
mod stages;

use std::path::Path;

use self::draft::Draft;
use self::file::External;
use self::graph::Graph;
use self::node::Node;
use super::OnnxError;
use crate::Model;

#[cfg(test)]
pub(super) use stages::readable;

type Result<T, E = OnnxError> = std::result::Result<T, E>;

/// What a file leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Rows and columns of the input, where the file gives them a name instead of a number.
    pub input_size: Option<usize>,
}

/// The operators that can be read, by the function that turns a node into layers.
type Import = for<'a> fn(&mut Draft<'a>, &Node<'a>) -> Result<()>;

const IMPORTS: &[(&str, Import)] = &[
    ("Add", affine::add),
    ("AveragePool", pool::average),
    ("BatchNormalization", affine::batch_norm),
    ("Cast", constant::cast),
    ("Clip", activation::clip),
    ("Concat", channels::concat),
    ("Constant", constant::constant),
    ("Conv", linear::conv),
    ("Div", affine::div),
    ("Dropout", shape::dropout),
    ("Flatten", shape::flatten),
    ("Gather", channels::gather),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", pool::global_average),
    ("GlobalMaxPool", pool::global_max),
    ("Identity", shape::identity),
    ("LeakyRelu", activation::leaky_relu),
    ("MatMul", linear::matmul),
    ("MaxPool", pool::max),
    ("Mul", affine::mul),
    ("PRelu", activation::prelu),
    ("Pad", shape::pad),
    ("ReduceMean", pool::reduce_mean),
    ("Relu", activation::relu),
    ("Reshape", shape::reshape),
    ("Shape", constant::shape),
    ("Slice", channels::slice),
    ("Squeeze", shape::squeeze),
    ("Sub", affine::sub),
    ("Unsqueeze", shape::unsqueeze),
    ("Where", mask::choose),
];

/// Names of the operators that can be read, in alphabetical order. Some of them only with constants, or only in the
/// arithmetic of shapes that exporters leave in a graph; the errors say so.
pub const OPERATORS: &[&str] = &{
    let mut names = [""; IMPORTS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = IMPORTS[index].0;
        index += 1;
    }
    names
};

/// Reads a model from a file; data in other files is read from the same folder. The network's name is the one that the
/// file's metadata belong to, otherwise the file's name without folder and `.onnx`.
///
/// # Errors
/// What is wrong, with the node or tensor.
pub fn load(path: &Path, options: ReadOptions) -> Result<Model> {
    let bytes = file::read(path)?;
    let name = path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().unwrap_or(Path::new(""));
    import(&bytes, &name, options, &External::In(folder.to_owned())).map_err(OnnxError::tidy)
}

/// Reads a model from a file's bytes; data in other files is an error.
///
/// # Errors
/// What is wrong, with the node or tensor.
pub fn read(bytes: &[u8], name: &str, options: ReadOptions) -> Result<Model> {
    import(bytes, name, options, &External::Nowhere).map_err(OnnxError::tidy)
}

fn import(bytes: &[u8], name: &str, options: ReadOptions, external: &External) -> Result<Model> {
    let file = file::decode(bytes)?;
    let graph = Graph::new(&file, external)?;
    let mut draft = Draft::new(&graph, options)?;
    for &index in &graph.order {
        let Some(node) = graph.nodes.get(index) else { continue };
        let import = IMPORTS.iter().find(|(operator, _)| *operator == node.operator());
        let (_, import) = import.ok_or_else(|| unsupported(node))?;
        import(&mut draft, node)?;
    }
    draft.finish(name)
}

fn unsupported(node: &Node<'_>) -> OnnxError {
    let advice = match node.operator() {
        "Softmax" | "LogSoftmax" | "Sigmoid" => "; export the network without it: the client applies it to the logits",
        _ => "",
    };
    node.error(format!("the operator is not supported; supported are {}{advice}", OPERATORS.join(", ")))
}
