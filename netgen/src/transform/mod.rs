//! Transforms: each a small pure function from network to network, so that they compose on any network.
//!
//! **Order.** A network is built by its family, then culled and thinned as its options say, then every further [`Transform`]
//! is applied in the order in which it is written. What the order changes:
//!
//! - `cull`, `thin` and `reshape` commute: any order gives the same network (up to its name).
//! - `equalize` comes first: it needs the ReLUs of every stage, and decides the channels that the others start from.
//! - `relu-reuse` comes after `reshape`, which would otherwise have to keep channel groups whole, and after `cull` and `thin`,
//!   so that it divides only the ReLUs that stay; before or behind them, the counts are the same.
//! - `mask` and `spatial-mask` come last: a mask has the shape of its layer, so that `equalize`, `reshape` and `relu-reuse` refuse a
//!   masked network. `cull` and `thin` may follow; the masks of the ReLUs that they drop go with them. A `spatial-mask` silences
//!   the same pixels before a `mask` and behind it; a `mask` with a budget chooses among the ReLUs that are left.
//!
//! All but `equalize`, which designs a wider network, never raise a count of ReLUs or MACs. `cull` and `thin` are idempotent in
//! residual stages (in a chain of ReLUs, `thin` halves again).

mod cull;
mod equalize;
mod factor;
mod masks;
mod reshape;
mod reuse;
mod table;
mod text;
mod thin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Network, NetworkError};

pub use cull::{Cull, cull};
pub(crate) use equalize::unstaged;
pub use equalize::{Equalize, equalize};
pub use factor::Factor;
pub use masks::{Mask, SpatialMask};
pub use reshape::{Reshape, reshape};
pub use reuse::{ReluReuse, ReuseConv, relu_reuse};
pub(crate) use table::from_table;
pub use text::TransformTextError;
pub use thin::{Thin, thin};

/// A transform with its parameters, as network files and the command line have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Transform {
    /// Channels that put the stages' ReLU counts in order of their criticality ([`fn@equalize`]).
    Equalize(Equalize),
    /// Drops all ReLUs of stages ([`fn@cull`]).
    Cull(Cull),
    /// Drops the ReLU between the convolutions of each block ([`fn@thin`]).
    Thin(Thin),
    /// Fewer channels and smaller feature maps ([`fn@reshape`]).
    Reshape(Reshape),
    /// One ReLU for several feature maps ([`relu_reuse`]).
    ReluReuse(ReluReuse),
    /// Single ReLUs, or channels of them, become linear ([`fn@mask`](fn@crate::mask)).
    Mask(Mask),
    /// The same pixels are silent in all channels of all layers ([`spatial_mask`](crate::spatial_mask)).
    SpatialMask(SpatialMask),
}

impl Transform {
    /// The kind, as files spell it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Equalize(_) => "equalize",
            Self::Cull(_) => "cull",
            Self::Thin(_) => "thin",
            Self::Reshape(_) => "reshape",
            Self::ReluReuse(_) => "relu-reuse",
            Self::Mask(_) => "mask",
            Self::SpatialMask(_) => "spatial-mask",
        }
    }

    /// The transformed network.
    ///
    /// # Errors
    /// Parameters that this network cannot have; see the functions.
    pub fn apply(&self, network: &Network) -> Result<Network, NetworkError> {
        if matches!(self, Self::Equalize(_) | Self::Reshape(_) | Self::ReluReuse(_)) {
            masks::unmasked(network, self.kind())?;
        }
        match self {
            Self::Equalize(parameters) => equalize(network, parameters),
            Self::Cull(Cull { stages }) => {
                let stages: Vec<&str> = stages.iter().map(String::as_str).collect();
                if stages.is_empty() {
                    let expected = "at least one stage".into();
                    return Err(NetworkError::Option { key: "stages", value: "[]".into(), expected });
                }
                cull(network, &stages)
            }
            Self::Thin(_) => thin(network),
            Self::Reshape(Reshape { a, rho }) => reshape(network, *a, *rho),
            Self::ReluReuse(parameters) => relu_reuse(network, parameters),
            Self::Mask(parameters) => parameters.apply(network),
            Self::SpatialMask(parameters) => parameters.apply(network),
        }
    }

    /// The same transform with the paths of its files relative to `folder`.
    pub(crate) fn relative_to(mut self, folder: &std::path::Path) -> Self {
        match &mut self {
            Self::Mask(Mask { file, .. }) | Self::SpatialMask(SpatialMask { file, .. }) => {
                masks::relative_to(file, folder);
            }
            _ => {}
        }
        self
    }
}
