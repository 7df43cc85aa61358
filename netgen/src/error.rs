//! What can be wrong with a network, its options or its numbers.

/// An error of building, transforming, quantising or running a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No family and no shipped file has this name.
    #[error(
        "unknown network `{name}`; expected a name from `pisim net list`, hrn-AxBxCx, a .toml or a .onnx file{hint}"
    )]
    UnknownNetwork {
        /// The name as given.
        name: String,
        /// Empty, or "; did you mean `x`?".
        hint: String,
    },
    /// An option of a network has a value that no network can have, or that this family does not understand.
    #[error("{key} = {value} is not possible: expected {expected}")]
    Option {
        /// The option, spelled as in a network file (`base_channels`).
        key: &'static str,
        /// The value as given.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// A transform names a stage that the network does not have.
    #[error("network {network} has no stage `{stage}`; expected one of {stages}{hint}")]
    UnknownStage {
        /// The network's name.
        network: String,
        /// The stage as given.
        stage: String,
        /// All stages, comma-separated.
        stages: String,
        /// Empty, or "; did you mean `x`?".
        hint: String,
    },
    /// A file with a mask or a score map cannot be used.
    #[error("{}: {problem}", path.display())]
    MaskFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A transform cannot be applied.
    #[error("transform {}, {kind}: {problem}", index + 1)]
    Transform {
        /// Its position in the list, from 0.
        index: usize,
        /// What it is.
        kind: &'static str,
        /// Why.
        problem: Box<NetworkError>,
    },
    /// A layer cannot be attached to its inputs.
    #[error("layer {layer}: {problem}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// What is wrong, with the numbers.
        problem: String,
    },
    /// The network is too large to count in 64 bits or to be meant seriously.
    #[error("layer {layer}: {quantity} exceed the limit of 2^{limit_log2}")]
    TooLarge {
        /// The layer's name.
        layer: String,
        /// "channels", "weights", "MACs", "elements" or "layers".
        quantity: &'static str,
        /// Base-2 logarithm of the limit.
        limit_log2: u32,
    },
    /// The fixed-point format itself is impossible.
    #[error("{key} = {value} is not possible: expected {expected}")]
    Format {
        /// `ring_bits`, `fraction_bits`, `weight_bits` or `relu_max`.
        key: &'static str,
        /// The value as given.
        value: u32,
        /// What would be accepted.
        expected: String,
    },
    /// The values of a layer have so many fraction bits that fewer than four integer bits are left.
    #[error(
        "a network that does not fit the ring: layer {layer} has {fraction} fraction bits and needs a ring of at \
         least {needed_bits} bits, but ring_bits = {ring_bits}; raise ring_bits or lower fraction_bits"
    )]
    DoesNotFitRing {
        /// The layer's name.
        layer: String,
        /// Fraction bits of the layer's output.
        fraction: u32,
        /// Smallest ring that leaves four integer bits and a sign, bits.
        needed_bits: u32,
        /// The ring, bits.
        ring_bits: u32,
    },
    /// No plan of a trained network keeps its values within the ring at a useful precision.
    #[error(
        "a network that does not fit the ring: the values of layer {layer} may leave {ring_bits} bits however coarse they \
         and the weights before them are; {}{}ReLUs that clamp (ReLU6) bound every layer by itself",
        .needed_bits.map_or("no ring of up to 64 bits would do; ".to_owned(), |bits| format!(
            "ring_bits = {bits} would do ({full_precision_bits} would keep all the fraction bits that the samples ask for); "
        )),
        .fraction_bits.map_or(String::new(), |bits| format!("so would fraction_bits = {bits}; "))
    )]
    RingTooSmall {
        /// The first layer that does not fit.
        layer: String,
        /// The ring, bits.
        ring_bits: u32,
        /// The smallest ring that holds the network at a useful precision, bits; none up to 64.
        needed_bits: Option<u32>,
        /// The ring that would keep all fraction bits that the samples ask for, bits.
        full_precision_bits: u32,
        /// The most fraction bits of the input with which this ring would do; none if no number does.
        fraction_bits: Option<u32>,
    },
    /// Weights do not belong to the network.
    #[error("weights of layer {layer}: expected {expected} values, found {found}")]
    Weights {
        /// The layer's name.
        layer: String,
        /// Number of values that the layer needs.
        expected: u64,
        /// Number of values given.
        found: u64,
    },
    /// A weight does not fit the format's weight width.
    #[error("weights of layer {layer}: {value} does not fit {weight_bits} signed bits")]
    WeightValue {
        /// The layer's name.
        layer: String,
        /// The weight.
        value: i32,
        /// The width, bits.
        weight_bits: u32,
    },
    /// A weight or bias in floating point does not fit the fixed-point format, or is no number at all.
    #[error("{kind} of layer {layer}: {value} is not possible: expected {expected}")]
    FloatValue {
        /// The layer's name.
        layer: String,
        /// "weight" or "bias".
        kind: &'static str,
        /// The value.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// The input has the wrong number of values.
    #[error("the network's input has {expected} values, found {found}")]
    InputLength {
        /// Number of values that the network needs.
        expected: usize,
        /// Number of values given.
        found: usize,
    },
    /// An input value lies outside the ring's signed range.
    #[error("input value {value} at index {index} does not fit {ring_bits} signed bits")]
    InputValue {
        /// Position in the input, channel-major.
        index: usize,
        /// The value.
        value: i64,
        /// The ring, bits.
        ring_bits: u32,
    },
}
