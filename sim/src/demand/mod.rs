//! From a step's exact work, plan and circuit to the work structures of the hardware models.
//!
//! Memory traffic is what a step must move at least once: tables, labels, ciphertexts, weights and activations. What an
//! accelerator's on-chip memory cannot hold is added by its model.

mod he;

use crate::error::SimError;
use crate::profiles::profile;
use pisim_hw_models::{CpuWork, GcWork, Gemm, HeOperations, HeWork, LABEL_BYTES, TABLE_BYTES, WorkClass};
use pisim_netgen::{Layer, Op};
use pisim_protocol::circuit::Circuit;
use pisim_protocol::{
    KeptPixels, LinearPlan, Party, Phase, Program, Shares, Step, StepKind, Transfer, WireFormat, computed_pixels, wire,
};
use std::sync::Arc;

/// A step with what it works on.
pub(crate) struct Demand<'a> {
    pub program: &'a Program,
    pub step: &'a Step,
}

impl<'a> Demand<'a> {
    fn missing(&self, what: &'static str) -> SimError {
        SimError::Incomplete { step: self.step.id.0, layer: self.step.layer.0, what }
    }

    fn layer(&self) -> Result<&'a Layer, SimError> {
        self.program.network.network.layers.get(self.step.layer.0).ok_or_else(|| self.missing("layer"))
    }

    fn plan(&self) -> Result<&'a LinearPlan, SimError> {
        let plan = self.program.plans.get(self.step.layer.0).and_then(Option::as_ref);
        plan.ok_or_else(|| self.missing("packing plan"))
    }

    fn circuit(&self) -> Result<&'a Arc<Circuit>, SimError> {
        let circuit = self.program.circuits.get(self.step.layer.0).and_then(Option::as_ref);
        circuit.ok_or_else(|| self.missing("circuit"))
    }

    /// Elements of the step's layer: its garbled circuit runs once for each.
    fn elements(&self) -> Result<u64, SimError> {
        Ok(self.layer()?.output.len() as u64)
    }

    /// Output pixels that a linear layer computes.
    fn pixels(&self) -> Result<u64, SimError> {
        let kept = KeptPixels::of(&self.program.network.network, self.step.layer);
        Ok(computed_pixels(self.plan()?.shape(), kept.as_ref()) as u64)
    }

    /// Output values that a linear layer computes.
    fn outputs(&self) -> Result<u64, SimError> {
        Ok(self.plan()?.shape().out_channels as u64 * self.pixels()?)
    }

    fn ring_bits(&self) -> u64 {
        u64::from(self.program.protocol.shares.bits())
    }

    fn ring_bytes(&self) -> u64 {
        u64::from(self.program.protocol.shares.bits().div_ceil(8))
    }

    /// Garbling or evaluating a layer's circuits. Every instance's input labels pass memory once.
    pub fn garbled(&self) -> Result<GcWork, SimError> {
        let (circuit, instances) = (self.circuit()?, self.elements()?);
        let work = &self.step.work;
        let and_depth = circuit.and_depth();
        Ok(GcWork {
            and_gates: work.and_gates,
            xor_gates: work.xor_gates,
            and_depth,
            xor_depth: circuit.levels().saturating_sub(and_depth),
            instances,
            table_bytes: work.and_gates.saturating_mul(TABLE_BYTES),
            label_bytes: instances.saturating_mul(circuit.inputs.total() as u64 * LABEL_BYTES),
            wires_per_instance: circuit.wires(),
            profile: profile(circuit),
        })
    }

    /// Selecting the labels of the garbler's online share: no gates, one label written per bit.
    pub fn encoded(&self) -> GcWork {
        GcWork { label_bytes: self.step.work.labels.saturating_mul(LABEL_BYTES), ..GcWork::default() }
    }

    /// Homomorphic work.
    pub fn homomorphic(&self) -> Result<HeWork, SimError> {
        let linear = &self.program.protocol.linear;
        let work = &self.step.work;
        let limb_bits = u64::from(linear.limb_bits().iter().copied().max().unwrap_or(0));
        let base = HeWork {
            degree: linear.degree() as u64,
            limbs: linear.limb_bits().len() as u64,
            limb_bits,
            ntts: work.ntts,
            mod_muls: work.mod_muls,
            automorphisms: work.he_rotations,
            key_switches: work.key_switches,
            ..HeWork::default()
        };
        let polynomial = base.limbs * base.degree * word_bytes(limb_bits);
        let base = he::switching(base, linear);
        let sizes = Bytes::of(self)?;
        Ok(match self.step.kind {
            StepKind::HeLinear => he::layer(sizes.in_he(base), self.plan()?, polynomial),
            // One ciphertext at a time: both halves, the key and a plaintext.
            _ => HeWork {
                working_set_bytes: 4 * polynomial,
                working_sets: work.encryptions.max(work.decryptions),
                ..sizes.in_he(base)
            },
        })
    }

    /// A linear layer on shares as a matrix product: output channels × taps × output pixels.
    pub fn gemm(&self) -> Result<Gemm, SimError> {
        let shape = &self.plan()?.shape();
        Ok(Gemm {
            m: shape.out_channels as u64,
            k: shape.taps() as u64,
            n: self.pixels()?,
            word_bits: self.ring_bits(),
            prime: matches!(self.program.protocol.shares, Shares::Prime { .. }),
        })
    }

    /// The same step on a processor: its stages, one after the other, each with the items that the backend's threads share.
    /// `library` says that homomorphic work is charged by whole operations where they are known.
    pub fn processor(&self, library: bool) -> Result<Vec<Stage>, SimError> {
        let class = class_of(self.step.kind);
        let serial = |work| Stage { class: WorkClass::Other, work, paired: false };
        let main = Stage { class, work: self.main(library)?, paired: self.step.kind == StepKind::HeLinear };
        let mut stages = vec![serial(self.before()?), main, serial(self.encoding()?), serial(self.after()?)];
        let idle = |work: &CpuWork| *work == CpuWork { parallelism: work.parallelism, ..CpuWork::default() };
        stages.retain(|stage| !idle(&stage.work));
        Ok(stages)
    }

    /// What the step is for, on all threads.
    fn main(&self, library: bool) -> Result<CpuWork, SimError> {
        let work = &self.step.work;
        let garbles = matches!(self.step.kind, StepKind::Garble);
        // Half gates hash four times per AND when garbling and twice when evaluating; those are in the gate's own cost.
        let in_gates = work.and_gates.saturating_mul(if garbles { 4 } else { 2 });
        let (he_bytes, he_weights) = self.placed()?;
        let linear = &self.program.protocol.linear;
        let coefficients = 2 * (linear.limb_bits().len() * linear.degree()) as u64;
        let products = work.he_plain_muls.saturating_mul(coefficients);
        let (gathers, replies) = match self.step.kind {
            StepKind::RingLinear => {
                let shape = &self.plan()?.shape();
                ((shape.taps() as u64).saturating_mul(self.pixels()?), 0)
            }
            StepKind::HeLinear => (0, self.plan()?.output_ciphertexts()),
            _ => (0, 0),
        };
        let work = CpuWork {
            garbled_ands: if garbles { work.and_gates } else { 0 },
            evaluated_ands: if garbles { 0 } else { work.and_gates },
            xors: work.xor_gates,
            hash_calls: work.hash_calls.saturating_sub(in_gates),
            labels: work.labels,
            base_ots: work.base_ots,
            extended_ots: work.extended_ots,
            degree: linear.degree() as u64,
            ntts: work.ntts,
            mod_muls: work.mod_muls.saturating_sub(products),
            he_products: products,
            replies,
            encryptions: work.encryptions,
            decryptions: work.decryptions,
            key_switches: work.key_switches,
            ring_bits: self.ring_bits(),
            ring_macs: work.ring_macs,
            ring_gathers: gathers,
            he_samples: work.sampled_coefficients,
            he_weights,
            he_bytes,
            kept_bytes: work.stored_client_bytes.saturating_add(work.stored_server_bytes),
            streamed_bytes: Bytes::of(self)?.total(),
            ring_elements: self.shares()?,
            parallelism: self.items()?,
            ..CpuWork::default()
        };
        Ok(if library && linear.coefficient().is_none() { self.whole(work) } else { work })
    }

    /// The same work with homomorphic encryption in whole operations of a library.
    fn whole(&self, work: CpuWork) -> CpuWork {
        let he_operations = HeOperations {
            plain_muls: self.step.work.he_plain_muls,
            key_switches: work.key_switches,
            encryptions: work.encryptions,
            decryptions: work.decryptions,
            evaluated_layers: u64::from(self.step.kind == StepKind::HeLinear),
            decrypted_layers: u64::from(self.step.kind == StepKind::Decrypt),
            keygens: u64::from(self.step.kind == StepKind::HeKeygen),
        };
        // A reply's fresh encryption of zero hides it; the library's figures are of replies without it.
        let encryptions = if self.step.kind == StepKind::Encrypt { he_operations.encryptions } else { 0 };
        CpuWork {
            ntts: 0,
            mod_muls: 0,
            he_products: 0,
            replies: 0,
            encryptions: 0,
            decryptions: 0,
            key_switches: 0,
            he_samples: 0,
            he_weights: 0,
            he_bytes: 0,
            he_operations: HeOperations { encryptions, ..he_operations },
            ..work
        }
    }

    /// Labels that the garbler picks and writes for the evaluator, one by one or in pairs for oblivious transfers.
    fn encoding(&self) -> Result<CpuWork, SimError> {
        let (work, protocol) = (&self.step.work, &self.program.protocol);
        let encoded_labels = match self.step.kind {
            StepKind::EncodeLabels => work.labels,
            // Online, a step of its own picks them.
            StepKind::OtSend if self.step.phase == Phase::Offline && protocol.transfer == Transfer::Alsz => {
                work.extended_ots
            }
            StepKind::Garble if self.writes_offline_labels() => {
                self.elements()?.saturating_mul(self.circuit()?.inputs.garbler_offline as u64)
            }
            _ => 0,
        };
        let parallelism = self.elements()?;
        Ok(CpuWork { encoded_labels, parallelism, ..CpuWork::default() })
    }

    /// Whether the labels of the garbler's offline inputs go over the wire, and not the seed that they come from.
    fn writes_offline_labels(&self) -> bool {
        self.program.protocol.wire == WireFormat::Delphi
    }

    /// Shares that a linear layer on shares reads and makes.
    fn shares(&self) -> Result<u64, SimError> {
        if self.step.kind != StepKind::RingLinear {
            return Ok(0);
        }
        let shape = self.plan()?.shape();
        Ok(shape.inputs() as u64 + self.outputs()?)
    }

    /// What one thread prepares: shares that are masks are expanded from seeds.
    fn before(&self) -> Result<CpuWork, SimError> {
        Ok(CpuWork { ring_samples: self.masks()?, parallelism: 1, ..CpuWork::default() })
    }

    /// What one thread finishes: masks and biases are added, masked elements gathered and scattered. Moving a share reads one
    /// number where an addition reads two, and writes one; it is charged as an addition.
    fn after(&self) -> Result<CpuWork, SimError> {
        let work = &self.step.work;
        let ring_adds = work.ring_adds.saturating_add(work.moved_shares);
        Ok(CpuWork { ring_adds, parallelism: 1, ..CpuWork::default() })
    }

    /// Elements of masks that the step expands from a seed.
    fn masks(&self) -> Result<u64, SimError> {
        let layer = self.layer()?;
        let input_masks = || {
            let inputs = layer.inputs.iter().filter_map(|input| self.program.network.network.layers.get(input.0));
            let masked = inputs.filter(|input| input.op == Op::Input || input.op.rescales());
            masked.map(|input| input.output.len() as u64).sum()
        };
        Ok(match self.step.kind {
            StepKind::HeLinear
            | StepKind::Garble
            | StepKind::Evaluate
            | StepKind::RingLinear
            | StepKind::Unmask
            | StepKind::MaskInput => self.elements()?,
            // A max pool's circuits each take all values of their window.
            StepKind::MaskChoices => self.step.work.ring_adds,
            StepKind::Encrypt | StepKind::OtReceive => input_masks(),
            StepKind::LocalLinear if self.step.party == Party::Client => input_masks(),
            _ => 0,
        })
    }

    /// Ciphertext bytes that the step packs and unpacks, and weights that it places into polynomials.
    fn placed(&self) -> Result<(u64, u64), SimError> {
        Ok(match self.step.kind {
            StepKind::Encrypt => (self.plan()?.ciphertexts_bytes(), 0),
            StepKind::HeLinear => {
                let plan = self.plan()?;
                let weights = plan.shape().out_channels as u64 * plan.shape().taps() as u64;
                (plan.ciphertexts_bytes().saturating_add(plan.reply_bytes()), weights)
            }
            StepKind::Decrypt => (self.plan()?.reply_bytes(), 0),
            _ => (0, 0),
        })
    }

    /// Independent items of the step on a processor.
    fn items(&self) -> Result<u64, SimError> {
        Ok(match self.step.kind {
            StepKind::HeKeygen
            | StepKind::HeReadKeys
            | StepKind::BaseOtOffer
            | StepKind::BaseOtChoose
            | StepKind::OtPuncture
            | StepKind::BaseOtFinish
            | StepKind::LocalLinear
            | StepKind::MaskChoices
            | StepKind::Unmask
            | StepKind::MaskInput
            | StepKind::Reconstruct
            | StepKind::Send(_) => 1,
            StepKind::Encrypt => self.plan()?.input_ciphertexts(),
            // The transformed weights of an output group serve all tiles, so a group is not divided.
            StepKind::HeLinear => match self.plan()? {
                LinearPlan::Coefficient(plan) => plan.output_groups() as u64,
                // Every reply is the sum over input groups, permutations and diagonals, which threads share.
                LinearPlan::Simd(plan) => plan.output_ciphertexts().saturating_mul(plan.sums().count() as u64),
            },
            StepKind::Decrypt => self.plan()?.output_ciphertexts(),
            StepKind::OtReceive | StepKind::OtSend => self.step.work.extended_ots,
            // One hash opens one transfer.
            StepKind::OtOpen => self.step.work.hash_calls,
            // Eight output channels share what they read.
            StepKind::RingLinear => (self.plan()?.shape().out_channels as u64).div_ceil(8),
            StepKind::Garble | StepKind::EncodeLabels | StepKind::Evaluate => self.elements()?,
        })
    }
}

/// A part of a step on a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    /// Which of the party's threads do it.
    pub class: WorkClass,
    /// How much it is.
    pub work: CpuWork,
    /// Items go in pairs when every thread gets several pairs.
    pub paired: bool,
}

/// Which of a party's threads do a step's own work.
pub(crate) fn class_of(kind: StepKind) -> WorkClass {
    match kind {
        StepKind::HeKeygen | StepKind::HeReadKeys | StepKind::Encrypt | StepKind::HeLinear | StepKind::Decrypt => {
            WorkClass::He
        }
        StepKind::Garble | StepKind::Evaluate => WorkClass::Gc,
        _ => WorkClass::Other,
    }
}

/// What a step reads and writes, besides garbled tables.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    input: u64,
    output: u64,
    weights: u64,
}

impl Bytes {
    fn of(demand: &Demand) -> Result<Self, SimError> {
        let ring_bytes = demand.ring_bytes();
        let elements = demand.elements()?;
        let linear = &demand.program.protocol.linear;
        let work = &demand.step.work;
        Ok(match demand.step.kind {
            StepKind::HeReadKeys => Self { input: linear.keys_bytes(), ..Self::default() },
            StepKind::HeKeygen => Self { output: linear.keys_bytes(), ..Self::default() },
            StepKind::Encrypt => {
                let plan = demand.plan()?;
                let values = plan.shape().inputs() as u64 * ring_bytes;
                Self { input: values + linear.keys_bytes(), output: plan.ciphertexts_bytes(), weights: 0 }
            }
            StepKind::HeLinear => {
                let plan = demand.plan()?;
                Self {
                    input: plan.ciphertexts_bytes(),
                    output: plan.reply_bytes(),
                    weights: weight_bytes(demand, plan),
                }
            }
            StepKind::Decrypt => {
                let plan = demand.plan()?;
                Self { input: plan.reply_bytes(), output: demand.outputs()? * ring_bytes, weights: 0 }
            }
            StepKind::RingLinear => {
                let plan = demand.plan()?;
                let (inputs, outputs) = (plan.shape().inputs() as u64, demand.outputs()?);
                Self { input: inputs * ring_bytes, output: outputs * ring_bytes, weights: weight_bytes(demand, plan) }
            }
            // The extension's matrix: λ bits for each transfer, written and read once.
            StepKind::OtReceive | StepKind::OtSend => {
                let matrix = wire::ot_rows(work.extended_ots) * LABEL_BYTES;
                Self { input: matrix, output: matrix, weights: 0 }
            }
            // Both labels of every transfer are read, one is written.
            StepKind::OtOpen => {
                let labels = work.hash_calls * LABEL_BYTES;
                Self { input: 2 * labels, output: labels, weights: 0 }
            }
            StepKind::Garble | StepKind::Evaluate => {
                let labels = demand.circuit()?.inputs.total() as u64 * LABEL_BYTES;
                Self { input: elements * labels, output: elements * ring_bytes, weights: 0 }
            }
            StepKind::EncodeLabels => {
                // One share gives the labels of all its wires.
                let shares = work.labels / u64::from(demand.program.protocol.shares.wires()).max(1);
                Self { input: shares * ring_bytes, output: work.labels * LABEL_BYTES, weights: 0 }
            }
            StepKind::MaskChoices => {
                let shares = work.ring_adds * ring_bytes;
                Self { input: shares, output: shares, weights: 0 }
            }
            StepKind::LocalLinear | StepKind::Unmask | StepKind::MaskInput | StepKind::Reconstruct => {
                // Every addition reads one operand; the other and the result are the layer's elements. Every move reads one share.
                let read = work.ring_adds.saturating_add(work.moved_shares);
                Self { input: read * ring_bytes, output: elements * ring_bytes, weights: 0 }
            }
            StepKind::BaseOtOffer
            | StepKind::BaseOtChoose
            | StepKind::BaseOtFinish
            | StepKind::OtPuncture
            | StepKind::Send(_) => Self::default(),
        })
    }

    fn total(&self) -> u64 {
        self.input.saturating_add(self.output).saturating_add(self.weights)
    }

    fn in_he(self, base: HeWork) -> HeWork {
        HeWork { input_bytes: self.input, output_bytes: self.output, weight_bytes: self.weights, ..base }
    }
}

/// Quantised weights in memory, whole bytes each.
fn weight_bytes(demand: &Demand, plan: &LinearPlan) -> u64 {
    let each = u64::from(demand.program.protocol.format.weight_bits.div_ceil(8));
    plan.shape().out_channels as u64 * plan.shape().taps() as u64 * each
}

/// Bytes of a coefficient of one limb in memory: half words up to 32 bits, words above.
fn word_bytes(limb_bits: u64) -> u64 {
    if limb_bits <= 32 { 4 } else { 8 }
}
