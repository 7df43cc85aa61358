//! Networks as ONNX files, the format that PyTorch, TensorFlow, onnxruntime and many other tools exchange.
//!
//! [`write`] gives convolutions with batch norms as `Conv` and `BatchNormalization`, so that other tools can go on training;
//! [`read`] folds batch norms into the layers beside them. Stages and notes travel in the file's metadata: reading what was
//! written gives the same network.
//!
//! A file is untrusted input. Numbers and sizes are checked before memory is asked for, and what is wrong is told with the
//! node or tensor that is wrong.

mod channels;
mod error;
mod metadata;
mod proto;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use error::OnnxError;
pub use read::{OPERATORS, ReadOptions, load, read};
pub use write::{MAX_PARAMS, write};
