//! Base oblivious transfers of random keys (Chou and Orlandi, LATINCRYPT 2015; semi-honest), on ristretto255.

use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::random::Seed;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use pisim_protocol::{Work, wire};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const POINT_BYTES: usize = wire::GROUP_ELEMENT_BYTES as usize;

/// Both keys of one transfer, as the sender knows them.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KeyPair {
    pub(crate) zero: Seed,
    pub(crate) one: Seed,
}

/// The sender, between its offer and the receiver's choices.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct BaseSender {
    secret: Scalar,
    #[zeroize(skip)]
    public: RistrettoPoint,
}

impl BaseSender {
    /// A sender with a secret from `seed`.
    pub fn new(seed: &Seed) -> Self {
        let secret = Scalar::random(&mut seed.rng());
        Self { secret, public: RistrettoPoint::mul_base(&secret) }
    }

    /// The first message.
    pub fn offer(&self) -> Vec<u8> {
        self.public.compress().to_bytes().to_vec()
    }

    /// Both keys of every transfer, from the receiver's message.
    ///
    /// # Errors
    /// A choice that is no group element.
    pub fn finish(&self, step: usize, choices: &[u8], counter: &Counter) -> Result<Vec<KeyPair>> {
        let mine = self.secret * self.public;
        let mut keys = Vec::with_capacity(choices.len() / POINT_BYTES);
        for (index, bytes) in choices.chunks(POINT_BYTES).enumerate() {
            let theirs = point(step, bytes)?;
            let shared = self.secret * theirs;
            let zero = derive(index, &self.public, &theirs, &shared);
            keys.push(KeyPair { zero, one: derive(index, &self.public, &theirs, &(shared - mine)) });
        }
        counter.add(Work { base_ots: keys.len() as u64, ..Work::default() });
        Ok(keys)
    }
}

/// The receiver's keys.
pub struct BaseReceiver {
    /// The key of each choice.
    pub keys: Vec<Seed>,
    /// The message with which the sender derives both.
    pub message: Vec<u8>,
}

impl BaseReceiver {
    /// Answers the sender's offer with one choice bit per transfer.
    ///
    /// # Errors
    /// An offer that is no group element.
    pub fn choose(step: usize, offer: &[u8], choices: &[bool], seed: &Seed, counter: &Counter) -> Result<Self> {
        let public = point(step, offer)?;
        let mut rng = seed.rng();
        let mut receiver = Self { keys: Vec::new(), message: Vec::new() };
        for (index, choice) in choices.iter().enumerate() {
            let secret = Zeroizing::new(Scalar::random(&mut rng));
            let plain = RistrettoPoint::mul_base(&secret);
            let mine = RistrettoPoint::conditional_select(&plain, &(plain + public), Choice::from(u8::from(*choice)));
            receiver.message.extend_from_slice(&mine.compress().to_bytes());
            receiver.keys.push(derive(index, &public, &mine, &(*secret * public)));
        }
        counter.add(Work { base_ots: choices.len() as u64, ..Work::default() });
        Ok(receiver)
    }
}

/// A public seed that no other session has, from both messages of its base transfers.
pub fn session_seed(offer: &[u8], choices: &[u8]) -> Seed {
    let mut hasher = blake3::Hasher::new_derive_key("pisim session of oblivious transfers");
    Seed(*hasher.update(offer).update(choices).finalize().as_bytes())
}

fn point(step: usize, bytes: &[u8]) -> Result<RistrettoPoint> {
    let compressed = CompressedRistretto::from_slice(bytes).ok();
    let point = compressed.and_then(|point| point.decompress());
    // An honest party sends the identity with probability 2^-252; with it, both keys of a transfer would be equal.
    point
        .filter(|point| !point.is_identity())
        .ok_or_else(|| BackendError::protocol(step, "received bytes that are no group element of a transfer"))
}

fn derive(index: usize, offer: &RistrettoPoint, choice: &RistrettoPoint, shared: &RistrettoPoint) -> Seed {
    let mut hasher = blake3::Hasher::new_derive_key("pisim base oblivious transfer");
    hasher.update(&(index as u64).to_le_bytes());
    for point in [offer, choice, shared] {
        hasher.update(point.compress().as_bytes());
    }
    Seed(*hasher.finalize().as_bytes())
}
