//! What can be wrong with an ONNX file.

use crate::NetworkError;

/// An error of reading or writing an ONNX file.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file, or a file with data that it refers to, cannot be read.
    #[error("cannot read {file}: {source}")]
    Io {
        /// The file's path.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The bytes are no ONNX file, or one that was cut off.
    #[error("not an ONNX file, or a damaged one: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A node does something that pisim cannot do, or is wrong in itself.
    #[error("node {node} ({operator}): {problem}")]
    Node {
        /// The node's name, or that of its output when it has none.
        node: String,
        /// The node's operator.
        operator: String,
        /// What is wrong, and what is supported.
        problem: String,
    },
    /// A tensor's data does not belong to its dimensions or its type.
    #[error("tensor {tensor}: {problem}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What is wrong, with the numbers.
        problem: String,
    },
    /// The file or its graph as a whole is not what pisim can read.
    #[error("{0}")]
    Graph(String),
    /// The network that the graph describes is impossible.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Most characters of a message: names in a file may have any length.
const MOST_CHARACTERS: usize = 1000;

impl OnnxError {
    /// The same error on one line of bounded length, whatever names the file has.
    pub(super) fn tidy(self) -> Self {
        let tidy = |text: String| text.chars().filter(|char| !char.is_control()).take(MOST_CHARACTERS).collect();
        match self {
            Self::Node { node, operator, problem } => {
                Self::Node { node: tidy(node), operator: tidy(operator), problem: tidy(problem) }
            }
            Self::Tensor { tensor, problem } => Self::Tensor { tensor: tidy(tensor), problem: tidy(problem) },
            Self::Graph(problem) => Self::Graph(tidy(problem)),
            other => other,
        }
    }

    pub(super) fn graph(problem: impl Into<String>) -> Self {
        Self::Graph(problem.into())
    }

    pub(super) fn tensor(tensor: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { tensor: tensor.into(), problem: problem.into() }
    }
}
