//! What the two processes must have in common, hashed so that a stranger's bytes are never parsed as a network.

use super::{NetError, Result};
use crate::error::BackendError;
use pisim_protocol::Program;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The version of this program: message layouts and the order of transforms are tied to it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const VERSION_BYTES: usize = 32;
const NAME_BYTES: usize = 64;
const HASHES: usize = 4;

/// What one process would run.
///
/// Four hashes (BLAKE3) say where two programs differ. *Network*: operations, wiring, shapes and masks, without names. *Protocol*:
/// every choice of the protocol file but its name, its description and the numbers. *Parameters*: fixed point and homomorphic
/// encryption. *Program*: packings, circuits and every step with its party, its order and its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    version: String,
    network: String,
    protocol: String,
    hashes: [[u8; 32]; HASHES],
}

impl Agreement {
    /// Bytes on the wire: a fixed number, so that no length has to be believed.
    pub(super) const BYTES: usize = VERSION_BYTES + 2 * NAME_BYTES + 32 * HASHES;

    /// What `program` needs of the peer.
    ///
    /// # Errors
    /// None that a lowered program can cause.
    pub fn of(program: &Program) -> Result<Self> {
        let network = &program.network.network;
        let layers = network.layers.iter().map(|layer| (&layer.op, &layer.inputs, &layer.output, &layer.mask));
        let layers: Vec<_> = layers.collect();
        let (format, linear) = (&program.protocol.format, &program.protocol.linear);
        let mut choices = serde_json::to_value(&*program.protocol).map_err(|error| unhashable(&error))?;
        if let Value::Object(choices) = &mut choices {
            choices.retain(|key, _| !["name", "description", "format", "linear"].contains(&key.as_str()));
        }
        let hashes = [
            hash("network", &(&network.input, layers))?,
            hash("protocol", &choices)?,
            hash("parameters", &(format, linear))?,
            hash("program", &(&program.network.fraction, &program.plans, distinct_circuits(program), &program.steps))?,
        ];
        let (network, protocol) = (shorten(&network.name), shorten(&program.protocol.name));
        Ok(Self { version: VERSION.to_owned(), network, protocol, hashes })
    }

    /// The hash that stands for the whole program.
    pub fn program(&self) -> [u8; 32] {
        let mut all = blake3::Hasher::new_derive_key("pisim program");
        all.update(self.version.as_bytes());
        self.hashes.iter().for_each(|hash| {
            all.update(hash);
        });
        *all.finalize().as_bytes()
    }

    /// What a server that runs `self` tells a client that wants to run `client`, if they differ.
    pub(super) fn difference(&self, client: &Self) -> Option<String> {
        if self.version != client.version {
            return Some(format!("the server is pisim {}, the client {}", self.version, client.version));
        }
        let [network, protocol, parameters, program] = [0, 1, 2, 3].map(|i| self.hashes.get(i) == client.hashes.get(i));
        let (ours, theirs) = (&self.network, &client.network);
        let names = format!("the server offers `{}`, the client wants `{}`", self.protocol, client.protocol);
        match (network, protocol, parameters, program) {
            (false, ..) if ours == theirs => Some(format!(
                "the networks differ: both are called `{ours}`, but their layers, shapes or input sizes are not the same"
            )),
            (false, ..) => {
                Some(format!("the networks differ: the server offers `{ours}`, the client wants `{theirs}`"))
            }
            (_, false, ..) => Some(format!("the protocols differ: {names}")),
            (_, _, false, _) => Some(format!(
                "the parameters differ (fixed point or homomorphic encryption): {names}; both need the same file"
            )),
            (.., false) => {
                Some("the programs differ, although network, protocol and parameters are the same".to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn write(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (version, rest) = bytes.split_at_mut(VERSION_BYTES);
        let (network, rest) = rest.split_at_mut(NAME_BYTES);
        let (protocol, hashes) = rest.split_at_mut(NAME_BYTES);
        for (field, text) in [(version, &self.version), (network, &self.network), (protocol, &self.protocol)] {
            field.iter_mut().zip(text.bytes()).for_each(|(byte, letter)| *byte = letter);
        }
        hashes.copy_from_slice(self.hashes.as_flattened());
        bytes
    }

    /// Any bytes are some agreement: names lose what is not printable.
    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let (version, rest) = bytes.split_at(VERSION_BYTES);
        let (network, rest) = rest.split_at(NAME_BYTES);
        let (protocol, rest) = rest.split_at(NAME_BYTES);
        let mut hashes = [[0; 32]; HASHES];
        hashes.as_flattened_mut().copy_from_slice(rest);
        Self { version: printable(version), network: printable(network), protocol: printable(protocol), hashes }
    }
}

/// Text of a stranger, fit for a terminal and a log line.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches('\0').chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// As much of a name as fits.
fn shorten(name: &str) -> String {
    let fits = |end: &usize| name.is_char_boundary(*end);
    let end = (0..=name.len().min(NAME_BYTES)).rev().find(fits).unwrap_or(0);
    printable(name.get(..end).unwrap_or_default().as_bytes()).chars().take_while(|c| *c != '\0').collect()
}

/// Every circuit once, and which layer uses which.
fn distinct_circuits(program: &Program) -> (Vec<&pisim_protocol::circuit::Circuit>, Vec<Option<usize>>) {
    let mut distinct: Vec<&std::sync::Arc<pisim_protocol::circuit::Circuit>> = Vec::new();
    let mut uses = Vec::with_capacity(program.circuits.len());
    for circuit in &program.circuits {
        uses.push(circuit.as_ref().map(|circuit| {
            distinct.iter().position(|known| std::sync::Arc::ptr_eq(known, circuit)).unwrap_or_else(|| {
                distinct.push(circuit);
                distinct.len() - 1
            })
        }));
    }
    (distinct.into_iter().map(|circuit| &**circuit).collect(), uses)
}

fn hash(what: &str, value: &impl Serialize) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_derive_key(&format!("pisim handshake: {what}"));
    serde_json::to_writer(&mut hasher, value).map_err(|error| unhashable(&error))?;
    Ok(*hasher.finalize().as_bytes())
}

fn unhashable(error: &serde_json::Error) -> NetError {
    BackendError::program(format!("the program cannot be hashed: {error}")).into()
}

/// A name for a server's weights that says nothing about them: their BLAKE3 hash under a key that only the server has. A
/// client can tell that its precompute belongs to another server or to other weights, and cannot test a guess of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelId(pub(crate) [u8; 32]);

impl ModelId {
    /// The name of `weights` under a server's secret key.
    pub fn of(weights: &pisim_netgen::Weights, key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        for layer in &weights.0 {
            let (weights, bias) = layer.as_ref().map(|layer| (&layer.weights[..], &layer.bias[..])).unwrap_or_default();
            hasher.update(&[u8::from(layer.is_some())]);
            hasher.update(&(weights.len() as u64).to_le_bytes()).update(&(bias.len() as u64).to_le_bytes());
            let mut bytes = Vec::with_capacity(1 << 16);
            for chunk in weights.chunks(1 << 14) {
                bytes.clear();
                bytes.extend(chunk.iter().flat_map(|weight| weight.to_le_bytes()));
                hasher.update(&bytes);
            }
            bias.iter().for_each(|bias| {
                hasher.update(&bias.to_le_bytes());
            });
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelId({self})")
    }
}
