//! Networks for private inference: graphs, families, transforms, counts and the integer reference.
//!
//! The main path: a [`NetworkSpec`] (a family's name and its options, from the command line or a TOML file) builds a
//! [`Network`], a plain graph whose shapes were inferred and checked once. [`Network::schedule`] counts it,
//! a [`Transform`] rewrites it, [`FixedNetwork::new`] puts it into the ring Z_2^k, and [`infer`] computes the
//! answer that every protocol must give bit for bit.
//!
//! ```
//! use pisim_netgen::NetworkSpec;
//! let network = NetworkSpec::named("hrn-5x5x3x")?.build()?;
//! assert_eq!(network.relus(), 343_040);
//! # Ok::<(), pisim_netgen::NetworkError>(())
//! ```
//!
//! This crate knows nothing of cryptography or hardware.

mod activations;
mod builder;
mod candidates;
mod channels;
mod counts;
mod equalize;
mod error;
mod families;
mod file;
mod fixed;
pub mod float;
mod gemm;
mod graph;
mod infer;
mod ladder;
mod mask;
mod named;
mod nonlinear;
pub mod onnx;
pub mod quantise;
mod spec;
mod stages;
mod transform;
mod weights;

pub use activations::{ActivationSpec, ExactSlope, with_activations};
pub use builder::NetworkBuilder;
pub use candidates::{Candidate, bases, candidates};
pub use counts::{Counts, LayerCounts, Schedule, StageCounts};
pub use equalize::{Design, Equalization, EqualizeError, Equalized};
pub use error::NetworkError;
pub use families::{FAMILIES, FamilyInfo};
pub use file::{ShippedNetwork, load_network, network_schema, shipped_networks};
pub use fixed::{FixedNetwork, FixedPoint};
pub use float::{FloatLayer, FloatWeights, Model};
pub use graph::{Conv, Layer, LayerId, Network, Op, Shape};
pub use infer::{Inference, Tensor, infer, random_input};
pub use ladder::{Ladder, Rung, Rungs};
pub use mask::{Cell, Granularity, LayerMask, ReluChoice, ScoreMap, mask, read_bitmap, read_scores, spatial_mask};
pub use nonlinear::{MaxWindow, Pointwise, Slope, prelu};
pub use spec::{NetworkSpec, Pool, StageSpec, Stem};
pub use stages::{BodyStage, criticality};
pub use transform::{
    Cull, Equalize, Factor, Mask, ReluReuse, Reshape, ReuseConv, SpatialMask, Thin, Transform, TransformTextError,
    cull, equalize, relu_reuse, reshape, thin,
};
pub use weights::{LayerWeights, Weights};
