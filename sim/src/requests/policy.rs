//! When precomputes are made, and by how many pairs.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The largest number of pairs of [`Policy::Servers`].
const MAX_SERVERS: u32 = 1024;

/// When a client and a server make precomputes, and how many such pairs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// As the published simulator (Garimella et al., ASPLOS'23) does it. A background process looks once a second, first
    /// at second 1 and again a second after each precompute, whether *more* than one precompute's bytes are free on both
    /// sides, and then prepares one. Its storage is free again when an inference takes it. Background work and an online
    /// phase do not slow each other, even where they need the same hardware.
    #[default]
    Published,
    /// As [`Policy::Published`], but the next precompute starts at once when there is room for it, the last byte included.
    Eager,
    /// The next precompute starts at once; while an online phase runs, it has priority, and the background work proceeds
    /// with what the online phase leaves of every unit and of each direction of the link ([`super::Service::background_speed`]).
    /// A precompute occupies storage from when it is begun until its inference has ended.
    Overlap,
    /// So many pairs of a client and a server, each with its own hardware, link and storage and each working as under
    /// [`Policy::Overlap`]. Requests wait in one queue; the first goes to a free pair, best to one that has a precompute.
    Servers(u32),
}

/// What a policy means to a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// Seconds between two looks at the storage; zero: no need to look.
    pub poll_s: f64,
    /// A precompute needs room for one byte more than its own.
    pub one_byte_more: bool,
    /// The phases share hardware, and a precompute stays in storage until its inference has ended.
    pub shared: bool,
    pub pairs: usize,
}

impl Policy {
    pub(super) fn rules(self) -> Rules {
        let shared = Rules { poll_s: 0.0, one_byte_more: false, shared: true, pairs: 1 };
        match self {
            Self::Published => Rules { poll_s: 1.0, one_byte_more: true, shared: false, pairs: 1 },
            Self::Eager => Rules { shared: false, ..shared },
            Self::Overlap => shared,
            Self::Servers(pairs) => Rules { pairs: pairs as usize, ..shared },
        }
    }

    /// Whether the number of servers is possible.
    pub(super) fn is_possible(self) -> bool {
        !matches!(self, Self::Servers(pairs) if pairs == 0 || pairs > MAX_SERVERS)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published => f.pad("published"),
            Self::Eager => f.pad("eager"),
            Self::Overlap => f.pad("overlap"),
            Self::Servers(pairs) => f.pad(&format!("servers:{pairs}")),
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let policy = match text.split_once(':') {
            None if text == "published" => Some(Self::Published),
            None if text == "eager" => Some(Self::Eager),
            None if text == "overlap" => Some(Self::Overlap),
            Some(("servers", count)) => count.parse().ok().map(Self::Servers),
            _ => None,
        };
        policy
            .filter(|policy| policy.is_possible())
            .ok_or_else(|| format!("expected published, eager, overlap or servers:N with N from 1 to {MAX_SERVERS}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policys_text_is_read_back() {
        for policy in [Policy::Published, Policy::Eager, Policy::Overlap, Policy::Servers(1), Policy::Servers(1024)] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for text in ["", "Published", "servers", "servers:", "servers:0", "servers:1025", "servers:-1", "eager:2"] {
            assert!(text.parse::<Policy>().is_err(), "{text}");
        }
    }
}
