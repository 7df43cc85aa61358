//! The program: the ordered steps of one private inference, each with its party, phase, dependencies and exact work.

use crate::circuit::Circuit;
use crate::config::Protocol;
use crate::linear::LinearPlan;
use crate::work::Work;
use pisim_netgen::{FixedNetwork, LayerId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Owns the input and gets the answer.
    Client,
    /// Owns the weights.
    Server,
}

impl Party {
    /// The other party.
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// When a step runs. Phases follow each other; a phase starts when the one before has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Once per inference too: keys and base oblivious transfers. Garbling's Δ, its tweaks and the numbers of oblivious
    /// transfers all start anew with it; keeping it for a second inference would use tweaks and transfers twice.
    Setup,
    /// Once per inference, before the input is known.
    Offline,
    /// From the input to the answer.
    Online,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 3] = [Self::Setup, Self::Offline, Self::Online];
}

/// The position of a step in [`Program::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// What a step does. Sizes that a step needs are in the program's plans and circuits, found by its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Generate the homomorphic secret key and the public key.
    HeKeygen,
    /// Read the homomorphic keys and expand what is sent as seeds; only where keys are switched.
    HeReadKeys,
    /// Make the first message of the base oblivious transfers.
    BaseOtOffer,
    /// Answer it with one group element for each choice bit.
    BaseOtChoose,
    /// Derive both keys of every base oblivious transfer, and grow the extension's trees from them.
    BaseOtFinish,
    /// Rebuild the punctured trees of the oblivious-transfer extension.
    OtPuncture,
    /// Encrypt the client's share of a linear layer's input.
    Encrypt,
    /// Multiply the encrypted share by the weights, mask the result and make it independent of the weights' noise.
    HeLinear,
    /// Decrypt the client's share of a linear layer's output.
    Decrypt,
    /// Extend oblivious transfers, as the receiver: the evaluator. Its choices are the bits of its share, or random bits if
    /// it gets its share online only and the transfers are made offline.
    OtReceive,
    /// Extend oblivious transfers, as the sender: the garbler, whose labels they become or carry.
    OtSend,
    /// Open the labels of chosen transfers, as the receiver.
    OtOpen,
    /// Garble a non-linear layer's circuit, once per element.
    Garble,
    /// Hide the evaluator's online share under the choices that it made offline, when the client garbles.
    MaskChoices,
    /// Choose the labels of the online share: the garbler's own, the evaluator's from its masked choices, or both of each of the
    /// evaluator's bits for transfers that are made online.
    EncodeLabels,
    /// Evaluate a non-linear layer's garbled circuits and mask the result.
    Evaluate,
    /// Apply a linear layer to the server's share in the ring.
    RingLinear,
    /// Local linear work on shares: pooling, residual additions, bias.
    LocalLinear,
    /// Take the peer's masked values into one's share.
    Unmask,
    /// Mask the input.
    MaskInput,
    /// Add the two shares of the answer.
    Reconstruct,
    /// Send one message to the peer.
    Send(Message),
}

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// The homomorphic public key, and the evaluation keys if there are any.
    PublicKey,
    /// The base oblivious transfers' first message.
    BaseOtOffer,
    /// The base oblivious transfers' second message.
    BaseOtChoice,
    /// Fresh ciphertexts of a linear layer's input.
    Ciphertexts,
    /// Ciphertexts of a linear layer's output.
    ReplyCiphertexts,
    /// The sums of seeds from which the extension's punctured trees are rebuilt.
    OtTrees,
    /// The corrections of an oblivious-transfer extension.
    OtColumns,
    /// Both masked labels of every chosen transfer.
    OtPayload,
    /// The labels of the garbler's offline inputs or their seed, garbled tables, and what decodes the outputs.
    GarbledTables,
    /// The evaluator's online share under its offline choices.
    MaskedChoices,
    /// The labels of the online share.
    OnlineLabels,
    /// A masked input or activation.
    MaskedValues,
    /// The server's share of the answer.
    OutputShare,
}

/// One step of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its position in the program.
    pub id: StepId,
    /// The layer it belongs to; the network's input layer for what belongs to no layer.
    pub layer: LayerId,
    /// What it does.
    pub kind: StepKind,
    /// Who does it; for a message, who sends it.
    pub party: Party,
    /// When.
    pub phase: Phase,
    /// The steps that must have ended before it starts, all with smaller positions.
    pub deps: Vec<StepId>,
    /// Its exact work.
    pub work: Work,
}

/// A private inference of one network under one protocol: what [`lower`](crate::lower) returns, what the backend runs and
/// what the simulator times. Both run the steps of one party's unit in the order of [`Program::steps`].
#[derive(Debug, Clone)]
pub struct Program {
    /// The network in fixed point, with every rescale explicit.
    pub network: Arc<FixedNetwork>,
    /// The protocol.
    pub protocol: Arc<Protocol>,
    /// For every layer that is linear with weights: how it is packed into ciphertexts.
    pub plans: Vec<Option<LinearPlan>>,
    /// For every non-linear layer: the circuit that is garbled for each of its elements.
    pub circuits: Vec<Option<Arc<Circuit>>>,
    /// The steps, in the order in which each party runs its own.
    pub steps: Vec<Step>,
}

impl Program {
    /// The sum of the work of the steps that `select` keeps.
    pub fn work_of(&self, select: impl Fn(&Step) -> bool) -> Work {
        self.steps.iter().filter(|step| select(step)).map(|step| step.work).sum()
    }
}
