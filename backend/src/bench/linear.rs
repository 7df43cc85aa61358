//! Linear layers, prepared for timing: in the ring, and under encryption.

use super::timing::{Effort, Timing};
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::{
    BitReader, Ciphertext, HeContext, HomomorphicLayer, Kernels, PublicKey, SecretKey, decrypt_all, encrypt_each,
};
use crate::random::Seed;
use crate::ring;
use pisim_netgen::{Conv, NetworkBuilder, Op, Shape};
use pisim_protocol::he::HeParams;
use pisim_protocol::{ConvPlan, ConvShape, DEFAULT_PROTOCOL, LinearPlan, Protocol, Work, lower};
use rayon::prelude::*;
use std::hint::black_box;
use std::sync::Arc;

/// A convolution's shape: channels in, height and width, channels out, kernel.
pub(super) fn shape(in_channels: usize, size: usize, out_channels: usize, kernel: usize) -> ConvShape {
    let padding = kernel / 2;
    ConvShape { in_channels, in_height: size, in_width: size, out_channels, kernel, stride: 1, padding }
}

/// Seconds of a convolution on shares of `bits` bits.
pub(super) fn ring_convolution(shape: &ConvShape, bits: u32, effort: Effort) -> Timing {
    let (weights, input) = (vec![-3; shape.out_channels * shape.taps()], vec![123_456_789; shape.inputs()]);
    let counter = Counter::default();
    effort.time(|| drop(black_box(ring::convolve(shape, &weights, &input, bits, &counter))))
}

/// Seconds per addition of shares.
pub(super) fn ring_addition(effort: Effort) -> Timing {
    const ELEMENTS: usize = 1 << 16;
    let (shares, masks, counter) = (vec![1; ELEMENTS], vec![2; ELEMENTS], Counter::default());
    effort.time(|| drop(black_box(ring::add(&shares, &masks, &counter)))).per(ELEMENTS as f64)
}

/// Seconds per element of a mask that is expanded from its seed.
pub(super) fn ring_mask(effort: Effort) -> Timing {
    const ELEMENTS: usize = 1 << 16;
    let seed = Seed::reproducible(5);
    effort.time(|| drop(black_box(seed.ring_elements(ELEMENTS, 32)))).per(ELEMENTS as f64)
}

/// Keys under the default protocol's parameters.
pub(super) struct Encryption {
    protocol: Protocol,
    context: HeContext,
    counter: Arc<Counter>,
    secret: SecretKey,
    public: PublicKey,
    effort: Effort,
}

/// One operation on a layer's ciphertexts, on all threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// What it did, as counted.
    pub work: Work,
    /// Limbs of a ciphertext.
    pub limbs: u64,
    /// Ciphertext bytes written and read.
    pub bytes: u64,
    /// Weights placed into polynomials.
    pub weights: u64,
    /// Ciphertexts or groups that the threads shared.
    pub items: u64,
    /// Ciphertexts encrypted, replied or decrypted.
    pub ciphertexts: u64,
    pub time: Timing,
}

/// Seconds of one thread in the inner loops of layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct InnerLoops {
    /// One transform of one limb.
    pub transform: Timing,
    /// One product of a coefficient of a ciphertext with one of weights, not reduced.
    pub product: Timing,
    /// One product of coefficients that is reduced.
    pub reduced: Timing,
    /// One coefficient drawn.
    pub sample: Timing,
    /// One byte packed or unpacked.
    pub byte: Timing,
    /// One weight placed.
    pub weight: Timing,
    degree: usize,
}

impl InnerLoops {
    /// What an operation spends in them.
    pub(super) fn seconds(&self, operation: &Operation) -> f64 {
        let (work, limbs) = (&operation.work, operation.limbs);
        let products = 2 * limbs * self.degree as u64 * work.he_plain_muls;
        let parts = [
            (work.ntts, self.transform),
            (products, self.product),
            (work.mod_muls.saturating_sub(products), self.reduced),
            (work.sampled_coefficients, self.sample),
            (operation.bytes, self.byte),
            (operation.weights, self.weight),
        ];
        parts.iter().map(|(count, timing)| *count as f64 * timing.median_s).sum()
    }
}

impl Encryption {
    pub(super) fn new(effort: Effort) -> Result<Self> {
        let protocol = Protocol::load(DEFAULT_PROTOCOL).map_err(|error| BackendError::program(error.to_string()))?;
        let counter = Arc::new(Counter::default());
        let context = HeContext::new(coefficient(&protocol)?, counter.clone())?;
        let (secret, public) = SecretKey::generate(&context, &Seed::reproducible(6));
        Ok(Self { protocol, context, counter, secret, public, effort })
    }

    /// The inner loops of layers, while all threads work.
    pub(super) fn inner_loops(&self) -> Result<InnerLoops> {
        let (threads, he) = (rayon::current_num_threads(), coefficient(&self.protocol)?);
        let mut kernels: Vec<Kernels> = (0..threads).map(|_| Kernels::new(he)).collect::<Result<_>>()?;
        let mut each = |work: &(dyn Fn(&mut Kernels) -> usize + Sync)| {
            const ROUNDS: usize = 16;
            let count = kernels.first_mut().map_or(1, work);
            let run = |kernel: &mut Kernels| (0..ROUNDS).for_each(|_| _ = black_box(work(kernel)));
            self.effort.time(|| kernels.par_iter_mut().for_each(run)).per((ROUNDS * count) as f64)
        };
        let transform = each(&|kernel| {
            kernel.transform();
            1
        });
        let product = each(&Kernels::products).per(2.0 * self.degree() as f64);
        let (reduced, sample, byte) =
            (each(&Kernels::reduced_products), each(&Kernels::samples), each(&Kernels::packing));
        let plan = self.plan(shape(256, 8, 256, 3))?;
        let weights = vec![-7; plan.shape.out_channels * plan.shape.taps()];
        let weight = each(&|kernel| kernel.placement(&plan, &weights));
        Ok(InnerLoops { transform, product, reduced, sample, byte, weight, degree: self.degree() })
    }

    /// Degree of the ring.
    pub(super) fn degree(&self) -> usize {
        self.context.degree()
    }

    /// Encrypts the input of a layer, evaluates the layer and decrypts its result.
    pub(super) fn layer(&self, shape: ConvShape) -> Result<[Operation; 3]> {
        let (plan, context) = (&self.plan(shape)?, &self.context);
        let (share, mask) = (vec![0x1234_5678; shape.inputs()], vec![0x7654_3210; shape.outputs()]);
        let weights: Vec<i32> = (0..shape.out_channels * shape.taps()).map(|index| index as i32 % 1000 - 500).collect();
        let (seed, each) = (Seed::reproducible(7), plan.fresh_ciphertext_bytes() as usize);
        let layer = HomomorphicLayer { context, plan, weights: &weights, public_key: &self.public, prepared: None };
        let encrypt = || -> Result<Vec<u8>> {
            let mut sent = vec![0; each * plan.input_ciphertexts() as usize];
            encrypt_each(context, plan, &self.secret, &share, &seed, |index, bytes| {
                sent[index * each..][..each].copy_from_slice(&bytes);
                Ok(())
            })?;
            Ok(sent)
        };
        let evaluate = |sent: &[u8]| -> Result<Vec<u8>> {
            let read = |bytes: &[u8]| Ciphertext::read(context, &mut BitReader::new(bytes), 0);
            let inputs: Vec<Ciphertext> = sent.par_chunks(each).map(read).collect::<Result<_>>()?;
            let mut replies = Vec::with_capacity(plan.reply_bytes() as usize);
            layer.evaluate_each(&inputs, &mask, &seed, |_, reply| {
                replies.extend_from_slice(&reply);
                Ok(())
            })?;
            Ok(replies)
        };
        let _ = self.counter.take();
        let sent = encrypt()?;
        let encrypted = self.counter.take();
        let replies = evaluate(&sent)?;
        let evaluated = self.counter.take();
        let decrypt = || decrypt_all(context, plan, &self.secret, &replies, 0);
        drop(decrypt()?);
        let decrypted = self.counter.take();
        let (sent_bytes, reply_bytes) = (sent.len() as u64, replies.len() as u64);
        let limbs = plan.limbs as u64;
        let operation = |work, bytes, weights, items, ciphertexts, time| Operation {
            work,
            limbs,
            bytes,
            weights,
            items,
            ciphertexts,
            time,
        };
        let times = [
            self.effort.time(|| drop(black_box(encrypt()))),
            self.effort.time(|| drop(black_box(evaluate(&sent)))),
            self.effort.time(|| drop(black_box(decrypt()))),
        ];
        let groups = plan.output_groups() as u64;
        Ok([
            operation(encrypted, sent_bytes, 0, plan.input_ciphertexts(), plan.input_ciphertexts(), times[0]),
            operation(
                evaluated,
                sent_bytes + reply_bytes,
                weights.len() as u64,
                groups,
                plan.output_ciphertexts(),
                times[1],
            ),
            operation(decrypted, reply_bytes, 0, plan.output_ciphertexts(), plan.output_ciphertexts(), times[2]),
        ])
    }

    /// The plan that lowering makes for a layer of this shape.
    fn plan(&self, shape: ConvShape) -> Result<ConvPlan> {
        let refused = |error: &dyn std::fmt::Display| BackendError::program(format!("a benchmark layer: {error}"));
        let input = Shape { channels: shape.in_channels, height: shape.in_height, width: shape.in_width };
        let mut builder = NetworkBuilder::new("benchmark layer", input).map_err(|error| refused(&error))?;
        let op = Op::Conv(Conv {
            out_channels: shape.out_channels,
            kernel: shape.kernel,
            stride: shape.stride,
            padding: shape.padding,
            norm: false,
            bias: false,
        });
        builder.stage("layer");
        let input = builder.input();
        builder.add("layer", op, &[input]).map_err(|error| refused(&error))?;
        let network = builder.finish().map_err(|error| refused(&error))?;
        let program = lower(&network, &self.protocol).map_err(|error| refused(&error))?;
        let plan = program.plans.iter().flatten().next().and_then(LinearPlan::coefficient);
        plan.cloned().ok_or_else(|| refused(&"it has no packing"))
    }
}

/// The default protocol's parameters.
fn coefficient(protocol: &Protocol) -> Result<&HeParams> {
    let unfit = || BackendError::program("the default protocol packs no coefficients");
    protocol.linear.coefficient().ok_or_else(unfit)
}

/// A context with limbs of these widths, for the contract's rates.
pub(super) fn context(degree: usize, limb_bits: Vec<u32>) -> Result<HeContext> {
    let params = HeParams::new(degree, limb_bits, 1, 32, 40);
    let params = params.ok_or_else(|| BackendError::program("no primes for the benchmark"))?;
    HeContext::new(&params, Arc::new(Counter::default()))
}
