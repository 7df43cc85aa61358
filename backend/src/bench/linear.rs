//! Linear layers, prepared for timing: in the ring, and under encryption.

use super::timing::{Timing, time};
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::{BitReader, Ciphertext, HeContext, HomomorphicLayer, PublicKey, SecretKey, decrypt_all, encrypt_each};
use crate::random::Seed;
use crate::ring;
use pisim_netgen::{Conv, NetworkBuilder, Op, Shape};
use pisim_protocol::he::HeParams;
use pisim_protocol::{ConvPlan, ConvShape, DEFAULT_PROTOCOL, Protocol, Work, lower};
use rayon::prelude::*;
use std::hint::black_box;
use std::sync::Arc;

/// A convolution's shape: channels in, height and width, channels out, kernel.
pub(super) fn shape(in_channels: usize, size: usize, out_channels: usize, kernel: usize) -> ConvShape {
    let padding = kernel / 2;
    ConvShape { in_channels, in_height: size, in_width: size, out_channels, kernel, stride: 1, padding }
}

/// Seconds of a convolution on shares of `bits` bits.
pub(super) fn ring_convolution(shape: &ConvShape, bits: u32) -> Timing {
    let (weights, input) = (vec![-3; shape.out_channels * shape.taps()], vec![123_456_789; shape.inputs()]);
    let counter = Counter::default();
    time(|| drop(black_box(ring::convolve(shape, &weights, &input, bits, &counter))))
}

/// Seconds per addition of shares.
pub(super) fn ring_addition() -> Timing {
    const ELEMENTS: usize = 1 << 16;
    let (shares, masks, counter) = (vec![1; ELEMENTS], vec![2; ELEMENTS], Counter::default());
    time(|| drop(black_box(ring::add(&shares, &masks, &counter)))).per(ELEMENTS as f64)
}

/// Seconds per element of a mask that is expanded from its seed.
pub(super) fn ring_mask() -> Timing {
    const ELEMENTS: usize = 1 << 16;
    let seed = Seed::reproducible(5);
    time(|| drop(black_box(seed.ring_elements(ELEMENTS, 32)))).per(ELEMENTS as f64)
}

/// Keys under the default protocol's parameters.
pub(super) struct Encryption {
    protocol: Protocol,
    context: HeContext,
    counter: Arc<Counter>,
    secret: SecretKey,
    public: PublicKey,
}

/// One operation on a layer's ciphertexts, on all threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// What it did, as counted.
    pub work: Work,
    /// Ciphertext bytes written and read.
    pub bytes: u64,
    /// Weights placed into polynomials.
    pub weights: u64,
    /// Ciphertexts or groups that the threads shared.
    pub items: u64,
    pub time: Timing,
}

impl Encryption {
    pub(super) fn new() -> Result<Self> {
        let protocol = Protocol::load(DEFAULT_PROTOCOL).map_err(|error| BackendError::program(error.to_string()))?;
        let counter = Arc::new(Counter::default());
        let context = HeContext::new(&protocol.he, counter.clone())?;
        let (secret, public) = SecretKey::generate(&context, &Seed::reproducible(6));
        Ok(Self { protocol, context, counter, secret, public })
    }

    /// Seconds of one thread's transform of one limb while all threads transform.
    pub(super) fn transform(&self) -> Timing {
        const ROUNDS: usize = 8;
        let threads = rayon::current_num_threads();
        let mut polynomials = vec![self.context.lift(&vec![12345; self.context.degree()]); threads];
        let timing = time(|| {
            let transform = |polynomial: &mut Vec<u64>| (0..ROUNDS).for_each(|_| self.context.forward(polynomial));
            polynomials.par_iter_mut().for_each(transform);
        });
        timing.per((ROUNDS * self.protocol.he.limb_bits.len()) as f64)
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
        let operation = |work, bytes, weights, items, time| Operation { work, bytes, weights, items, time };
        let times = [
            time(|| drop(black_box(encrypt()))),
            time(|| drop(black_box(evaluate(&sent)))),
            time(|| drop(black_box(decrypt()))),
        ];
        let groups = plan.output_groups() as u64;
        Ok([
            operation(encrypted, sent_bytes, 0, plan.input_ciphertexts(), times[0]),
            operation(evaluated, sent_bytes + reply_bytes, weights.len() as u64, groups, times[1]),
            operation(decrypted, reply_bytes, 0, plan.output_ciphertexts(), times[2]),
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
        let plan = program.plans.into_iter().flatten().next();
        plan.ok_or_else(|| refused(&"it has no packing"))
    }
}

/// A context with limbs of these widths, for the contract's rates.
pub(super) fn context(degree: usize, limb_bits: Vec<u32>) -> Result<HeContext> {
    let params = HeParams::new(degree, limb_bits, 1, 32, 40);
    let params = params.ok_or_else(|| BackendError::program("no primes for the benchmark"))?;
    HeContext::new(&params, Arc::new(Counter::default()))
}
