//! The general-purpose processor: cores and measured costs per primitive.

use crate::cost::{Cost, product};
use crate::gc::TABLE_BYTES;
use crate::he::butterflies_of;

/// A processor.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    /// Cores that work on one party's program.
    pub cores: u64,
    /// Clock in hertz; turns seconds into cycles.
    pub clock_hz: f64,
    /// Dynamic power of one busy core in watts.
    pub active_power_w: f64,
    /// Seconds per primitive.
    pub costs: CpuCosts,
}

/// Seconds that one core takes for one primitive.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuCosts {
    /// Garble one AND gate, its hash calls included.
    pub garble_and_s: f64,
    /// Evaluate one AND gate, its hash calls included.
    pub evaluate_and_s: f64,
    /// One XOR gate.
    pub xor_gate_s: f64,
    /// One hash call outside of a gate.
    pub hash_call_s: f64,
    /// Sample, select or decode one wire label.
    pub label_s: f64,
    /// One party's part in one base oblivious transfer.
    pub base_ot_s: f64,
    /// One party's part in one extended oblivious transfer.
    pub extended_ot_s: f64,
    /// One butterfly of a transform; a transform of degree N has N·log2 N / 2.
    pub ntt_butterfly_s: f64,
    /// One pointwise modular multiplication.
    pub mod_mul_s: f64,
    /// One product of coefficients of a ciphertext and of weights, which are reduced after they are added up.
    pub he_product_s: f64,
    /// A linear layer's reply per coefficient of the ring, beyond its transforms, multiplications and samples.
    pub reply_coefficient_s: f64,
    /// Encryption per coefficient of the ring, beyond its transforms and multiplications.
    pub encrypt_coefficient_s: f64,
    /// Decryption per coefficient of the ring, beyond its transforms and multiplications.
    pub decrypt_coefficient_s: f64,
    /// A key switch per coefficient of the ring, beyond its transforms and multiplications.
    pub key_switch_coefficient_s: f64,
    /// One multiply-accumulate in a ring of at most 32 bits.
    pub ring_mac_s: f64,
    /// One multiply-accumulate in a wider ring.
    pub wide_ring_mac_s: f64,
    /// One addition in the ring.
    pub ring_add_s: f64,
    /// One ring element expanded from a seed.
    pub ring_sample_s: f64,
    /// One gathered input of a convolution in the ring.
    pub ring_gather_s: f64,
    /// One coefficient drawn at random for homomorphic encryption.
    pub he_sample_s: f64,
    /// One weight placed into a polynomial.
    pub he_weight_s: f64,
    /// One byte of ciphertext packed or unpacked.
    pub he_byte_s: f64,
    /// One byte of memory taken from the operating system to keep something for the online phase.
    pub kept_byte_s: f64,
    /// One label picked and written for the other party, or one pair of them for an oblivious transfer.
    pub encode_label_s: f64,
    /// One share read or made by a linear layer on shares.
    pub ring_element_s: f64,
    /// Whole operations of a homomorphic-encryption library, where they are known.
    pub he_library: Option<HeLibrary>,
}

/// Seconds of whole operations of a homomorphic-encryption library, its transforms, multiplications and samples inside: what
/// measurements of published systems give. SIMD-packed layers are charged by them, because such a library need not divide
/// its work as pisim's own engine does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeLibrary {
    /// One ciphertext × plaintext product, per coefficient of the ring.
    pub plain_mul_coefficient_s: f64,
    /// One key switch, per coefficient of the ring.
    pub key_switch_coefficient_s: f64,
    /// One encryption, per coefficient of the ring.
    pub encrypt_coefficient_s: f64,
    /// One decryption, per coefficient of the ring.
    pub decrypt_coefficient_s: f64,
    /// Evaluation of a layer, once whatever its size.
    pub evaluate_layer_s: f64,
    /// Decryption of a layer's reply, once whatever its number of ciphertexts.
    pub decrypt_layer_s: f64,
    /// One generation of all keys.
    pub keygen_s: f64,
}

/// Whole operations of a homomorphic-encryption library.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeOperations {
    /// Ciphertext × plaintext products.
    pub plain_muls: u64,
    /// Key switches.
    pub key_switches: u64,
    /// Encryptions.
    pub encryptions: u64,
    /// Decryptions.
    pub decryptions: u64,
    /// Layers that are evaluated.
    pub evaluated_layers: u64,
    /// Layers whose reply is decrypted.
    pub decrypted_layers: u64,
    /// Generations of all keys.
    pub keygens: u64,
}

impl HeLibrary {
    /// Seconds of one core for operations in a ring of degree `degree`.
    fn seconds(&self, operations: &HeOperations, degree: f64) -> f64 {
        let coefficients = [
            (operations.plain_muls, self.plain_mul_coefficient_s),
            (operations.key_switches, self.key_switch_coefficient_s),
            (operations.encryptions, self.encrypt_coefficient_s),
            (operations.decryptions, self.decrypt_coefficient_s),
        ];
        let by_degree: f64 = coefficients.iter().map(|&(count, seconds)| count as f64 * seconds * degree).sum();
        by_degree
            + operations.evaluated_layers as f64 * self.evaluate_layer_s
            + operations.decrypted_layers as f64 * self.decrypt_layer_s
            + operations.keygens as f64 * self.keygen_s
    }
}

/// Work of a processor in primitives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuWork {
    /// AND gates garbled.
    pub garbled_ands: u64,
    /// AND gates evaluated.
    pub evaluated_ands: u64,
    /// XOR gates.
    pub xors: u64,
    /// Hash calls outside of AND gates.
    pub hash_calls: u64,
    /// Wire labels sampled, selected or decoded.
    pub labels: u64,
    /// Base oblivious transfers.
    pub base_ots: u64,
    /// Extended oblivious transfers.
    pub extended_ots: u64,
    /// Ring degree N of the homomorphic work.
    pub degree: u64,
    /// Transforms of one limb.
    pub ntts: u64,
    /// Pointwise modular multiplications.
    pub mod_muls: u64,
    /// Products of ciphertexts and weights, by coefficient; not among the above.
    pub he_products: u64,
    /// Replies of linear layers; their transforms and multiplications are counted above.
    pub replies: u64,
    /// Encryptions; their transforms and multiplications are counted above.
    pub encryptions: u64,
    /// Decryptions; their transforms and multiplications are counted above.
    pub decryptions: u64,
    /// Key switches; their transforms and multiplications are counted above.
    pub key_switches: u64,
    /// Bits of the share ring.
    pub ring_bits: u64,
    /// Multiply-accumulates in the ring.
    pub ring_macs: u64,
    /// Additions in the ring.
    pub ring_adds: u64,
    /// Ring elements expanded from seeds.
    pub ring_samples: u64,
    /// Inputs of convolutions gathered.
    pub ring_gathers: u64,
    /// Coefficients drawn at random for homomorphic encryption.
    pub he_samples: u64,
    /// Weights placed into polynomials.
    pub he_weights: u64,
    /// Bytes of ciphertext packed or unpacked.
    pub he_bytes: u64,
    /// Bytes kept for the online phase.
    pub kept_bytes: u64,
    /// Labels picked and written for the other party, or pairs of them for oblivious transfers.
    pub encoded_labels: u64,
    /// Shares read or made by linear layers on shares.
    pub ring_elements: u64,
    /// Whole operations of a homomorphic-encryption library; not among the transforms and multiplications above.
    pub he_operations: HeOperations,
    /// Bytes beyond the garbled tables that stream to or from memory (weights, ciphertexts, ...).
    pub streamed_bytes: u64,
    /// Independent items that the cores can share; 0 counts as 1.
    pub parallelism: u64,
}

/// Kinds of primitives that a processor is charged by; [`CpuWork::counts`] and [`CpuCosts::rates`] have them in one order.
pub const PRIMITIVES: usize = 24;

impl CpuWork {
    /// How many of each kind of primitive.
    pub fn counts(&self) -> [u64; PRIMITIVES] {
        [
            self.garbled_ands,
            self.evaluated_ands,
            self.xors,
            self.hash_calls,
            self.labels,
            self.base_ots,
            self.extended_ots,
            self.ntts,
            self.mod_muls,
            self.he_products,
            self.replies,
            self.encryptions,
            self.decryptions,
            self.key_switches,
            self.ring_macs,
            self.ring_adds,
            self.ring_samples,
            self.ring_gathers,
            self.he_samples,
            self.he_weights,
            self.he_bytes,
            self.kept_bytes,
            self.encoded_labels,
            self.ring_elements,
        ]
    }
}

impl CpuCosts {
    /// Seconds of one of each kind of primitive, for homomorphic work in a ring of degree `degree` and shares of `ring_bits`.
    pub fn rates(&self, degree: u64, ring_bits: u64) -> [f64; PRIMITIVES] {
        let coefficients = degree as f64;
        [
            self.garble_and_s,
            self.evaluate_and_s,
            self.xor_gate_s,
            self.hash_call_s,
            self.label_s,
            self.base_ot_s,
            self.extended_ot_s,
            self.ntt_butterfly_s * butterflies_of(degree),
            self.mod_mul_s,
            self.he_product_s,
            self.reply_coefficient_s * coefficients,
            self.encrypt_coefficient_s * coefficients,
            self.decrypt_coefficient_s * coefficients,
            self.key_switch_coefficient_s * coefficients,
            if ring_bits > 32 { self.wide_ring_mac_s } else { self.ring_mac_s },
            self.ring_add_s,
            self.ring_sample_s,
            self.ring_gather_s,
            self.he_sample_s,
            self.he_weight_s,
            self.he_byte_s,
            self.kept_byte_s,
            self.encode_label_s,
            self.ring_element_s,
        ]
    }
}

impl Cpu {
    /// The cost of some work on all cores.
    pub fn cost(&self, work: &CpuWork) -> Cost {
        self.cost_on(work, self.cores)
    }

    /// The cost of some work on `threads` threads, no more than there are cores.
    ///
    /// Seconds = Σ count × seconds per primitive, shared out by whole items: with p items on c threads, ⌈p/c⌉/p of the sum.
    /// Energy = the sum × power of a busy core. Memory traffic = 32 bytes of table per AND gate + streamed bytes.
    pub fn cost_on(&self, work: &CpuWork, threads: u64) -> Cost {
        self.share_out(self.core_seconds(work), work, work.parallelism, threads)
    }

    /// As [`Cpu::cost_on`], of work whose seconds of one core are known and which has `items` to share.
    #[inline]
    pub fn share_out(&self, core_seconds: f64, work: &CpuWork, items: u64, threads: u64) -> Cost {
        let items = items.max(1);
        let threads = threads.min(self.cores).max(1);
        let seconds = core_seconds * (items.div_ceil(threads) as f64 / items as f64);
        let tables = product(&[work.garbled_ands.saturating_add(work.evaluated_ands), TABLE_BYTES]);
        Cost {
            seconds,
            core_seconds,
            cycles: (seconds * self.clock_hz).round() as u64,
            memory_bytes: tables.saturating_add(work.streamed_bytes),
            energy_j: core_seconds * self.active_power_w,
            ..Cost::default()
        }
    }

    /// Seconds of one core for all of the work: every count times its cost.
    pub fn core_seconds(&self, work: &CpuWork) -> f64 {
        let rates = self.costs.rates(work.degree, work.ring_bits);
        let primitives = work.counts().iter().zip(rates).map(|(&count, seconds)| count as f64 * seconds).sum::<f64>();
        primitives + self.library_seconds(work)
    }

    /// Seconds of one core for the whole operations of a library that are part of the work.
    pub fn library_seconds(&self, work: &CpuWork) -> f64 {
        self.costs.he_library.map_or(0.0, |library| library.seconds(&work.he_operations, work.degree as f64))
    }

    /// Power in watts with every core busy.
    pub fn peak_power_w(&self) -> f64 {
        self.cores as f64 * self.active_power_w
    }
}
