//! Encryption and homomorphic convolutions, against plain arithmetic and against an independent BFV (fhe.rs).

use super::*;
use crate::counter::Counter;
use crate::random::{Seed, ring_mask};
use crate::ring;
use pisim_protocol::he::{HeParams, ReplyFormat, decrypt_work, encrypt_work, linear_work};
use pisim_protocol::{ConvPlan, ConvShape, Work};
use proptest::prelude::*;
use rand_core::Rng;
use std::sync::Arc;

fn params(plain_bits: u32) -> HeParams {
    HeParams::new(4096, vec![50, 50], 1, plain_bits, 40).unwrap()
}

fn context(plain_bits: u32) -> HeContext {
    HeContext::new(&params(plain_bits), Arc::new(Counter::default())).unwrap()
}

/// Runs one layer under encryption; returns its outputs plus the mask, and the counted work.
fn homomorphic(context: &HeContext, plan: &ConvPlan, weights: &[i32], input: &[u64], seed: u64) -> (Vec<u64>, Work) {
    let seed = Seed::reproducible(seed);
    let (secret, public_key) = SecretKey::generate(context, &seed.derive("key", 0));
    context.counter.take();
    let ring = ring_mask(context.params.plain_bits);
    let mut ciphertexts = Vec::new();
    encrypt_each(context, plan, &secret, input, &seed.derive("encrypt", 0), |index, bytes| {
        assert_eq!((index, bytes.len() as u64), (ciphertexts.len(), plan.fresh_ciphertext_bytes()));
        ciphertexts.push(Ciphertext::read(context, &mut BitReader::new(&bytes), 0)?);
        Ok(())
    })
    .unwrap();
    assert_eq!(ciphertexts.len() as u64, plan.input_ciphertexts());
    let mask = seed.derive("mask", 0).ring_elements(plan.shape.outputs(), context.params.plain_bits);
    let prepared = plan.prepared.then(|| PreparedLayer::new(context, plan, weights).unwrap());
    let layer = HomomorphicLayer { context, plan, weights, prepared: prepared.as_ref(), public_key: &public_key };
    let (mut replies, mut made) = (Vec::new(), 0);
    layer
        .evaluate_each(&ciphertexts, &mask, &seed.derive("replies", 0), |index, bytes| {
            assert_eq!(bytes.len(), reply_len(plan, index));
            made += 1;
            assert_eq!(made, index + 1);
            replies.extend(bytes);
            Ok(())
        })
        .unwrap();
    assert_eq!(replies.len() as u64, plan.reply_bytes());
    let masked = decrypt_all(context, plan, &secret, &replies, 0).unwrap();
    let work = context.counter.take();
    assert!(decrypt_all(context, plan, &secret, &replies[1..], 0).is_err(), "a byte is missing");
    let outputs = masked.iter().zip(&mask).map(|(value, mask)| value.wrapping_add(*mask) & ring).collect();
    (outputs, work)
}

fn choose(shape: ConvShape, params: &HeParams) -> ConvPlan {
    ConvPlan::choose(shape, params, 11).unwrap()
}

fn random_layer(shape: &ConvShape, plain_bits: u32, seed: u64) -> (Vec<i32>, Vec<u64>) {
    let mut rng = Seed::reproducible(seed).derive("layer", 0).rng();
    let weights = (0..shape.out_channels * shape.taps()).map(|_| (rng.next_u32() as i32) >> 21).collect();
    let input = (0..shape.inputs()).map(|_| rng.next_u64() & ring_mask(plain_bits)).collect();
    (weights, input)
}

fn check(shape: ConvShape, plain_bits: u32, seed: u64) {
    check_with(context(plain_bits), shape, seed);
}

fn check_with(context: HeContext, shape: ConvShape, seed: u64) {
    let plain_bits = context.params.plain_bits;
    let plan = choose(shape, &context.params);
    let (weights, input) = random_layer(&shape, plain_bits, seed);
    // Weights that are transformed before every other inference.
    let plan = ConvPlan { prepared: seed.is_multiple_of(2), ..plan };
    let (outputs, work) = homomorphic(&context, &plan, &weights, &input, seed);
    let plain = ring::convolve(&shape, &weights, &input, 64, &Counter::default());
    let ring = ring_mask(plain_bits);
    for (output, expected) in outputs.iter().zip(plain) {
        assert_eq!(*output, expected & ring, "{shape:?}");
    }
    let predicted = encrypt_work(&plan) + linear_work(&plan) + decrypt_work(&plan);
    assert_eq!(work, predicted, "{shape:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn homomorphic_convolutions_equal_plain_ones_and_count_exactly(
        (in_channels, out_channels) in (1usize..40, 1usize..20), (in_height, in_width) in (1usize..20, 1usize..20),
        kernel in prop::sample::select(vec![1usize, 3]), stride in 1usize..3, padded: bool,
        plain_bits in prop::sample::select(vec![16u32, 31, 32]), seed: u64,
    ) {
        let padding = if padded || in_height < kernel || in_width < kernel { kernel / 2 } else { 0 };
        check(ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding }, plain_bits, seed);
    }
}

#[test]
fn every_shape_of_modulus_and_ring_decrypts_exactly() {
    let shape =
        ConvShape { in_channels: 9, in_height: 6, in_width: 7, out_channels: 5, kernel: 3, stride: 1, padding: 1 };
    for (degree, limbs, response) in [
        (4096, vec![36, 36, 37], 3),
        (4096, vec![36, 36, 37], 2),
        (8192, vec![50, 50, 50], 1),
        (8192, vec![60, 50, 40], 2),
        (8192, vec![55, 55, 54, 54], 4),
        (8192, vec![55, 55, 54, 54], 3),
        (8192, vec![60, 60, 60], 3),
        (8192, vec![60, 60, 60], 2),
        (16384, vec![30; 12], 6),
    ] {
        for plain_bits in [8, 32, 41, 64] {
            let params = HeParams::new(degree, limbs.clone(), response, plain_bits, 40).unwrap();
            if ConvPlan::choose(shape, &params, 11).is_ok() {
                check_with(HeContext::new(&params, Arc::default()).unwrap(), shape, 7);
            } else {
                assert!(plain_bits >= 41, "{degree} {limbs:?} {response} {plain_bits}");
            }
        }
    }
}

#[test]
fn an_image_larger_than_the_ring_is_tiled() {
    let shape =
        ConvShape { in_channels: 2, in_height: 70, in_width: 70, out_channels: 3, kernel: 3, stride: 1, padding: 1 };
    let plan = choose(shape, &params(32));
    assert!(plan.tiles() > 1);
    check(shape, 32, 1);
    check(ConvShape { stride: 2, ..shape }, 32, 2);
}

#[test]
fn a_row_wider_than_the_ring_is_tiled_in_both_directions() {
    let shape =
        ConvShape { in_channels: 1, in_height: 5, in_width: 5000, out_channels: 1, kernel: 3, stride: 1, padding: 1 };
    check(shape, 32, 3);
}

#[test]
fn a_fully_connected_layer_is_a_convolution_of_one_pixel() {
    let shape =
        ConvShape { in_channels: 1024, in_height: 1, in_width: 1, out_channels: 10, kernel: 1, stride: 1, padding: 0 };
    check(shape, 32, 4);
    check(ConvShape { in_channels: 5000, ..shape }, 32, 5);
    check(ConvShape { in_channels: 1, out_channels: 1, ..shape }, 32, 6);
}

#[test]
fn extreme_inputs_and_weights_decrypt_exactly() {
    let shape =
        ConvShape { in_channels: 64, in_height: 4, in_width: 4, out_channels: 3, kernel: 3, stride: 1, padding: 1 };
    let context = context(32);
    let plan = choose(shape, &context.params);
    for (weight, value) in [(-1024, 1u64 << 31), (1023, u64::from(u32::MAX)), (-1024, (1 << 31) - 1), (0, 0)] {
        let (weights, input) = (vec![weight; shape.out_channels * shape.taps()], vec![value; shape.inputs()]);
        let (outputs, _) = homomorphic(&context, &plan, &weights, &input, 9);
        let plain = ring::convolve(&shape, &weights, &input, 32, &Counter::default());
        assert_eq!(outputs, plain, "{weight} × {value}");
    }
}

#[test]
fn keys_and_ciphertexts_survive_serialisation_and_bad_ones_are_refused() {
    let context = context(32);
    let (secret, public) = SecretKey::generate(&context, &Seed::reproducible(1));
    let mut writer = BitWriter::default();
    public.write(&context, &mut writer);
    let bytes = writer.finish();
    assert_eq!(bytes.len() as u64, pisim_protocol::wire::public_key_bytes(&context.params));
    let read = PublicKey::read(&context, &mut BitReader::new(&bytes), 0).unwrap();
    assert!(read.masked == public.masked && read.seed == public.seed);
    let mut writer = BitWriter::default();
    secret.encrypt(&context, &[1, 2, 3], &Seed::reproducible(2)).write(&context, &mut writer);
    assert_eq!(writer.finish().len(), 51_232, "a seeded ciphertext of 4096 coefficients and 100 bits");
    let high = vec![255; bytes.len()];
    assert!(Ciphertext::read(&context, &mut BitReader::new(&high), 0).is_err());
    assert!(PublicKey::read(&context, &mut BitReader::new(&high), 0).is_err());
    let shape =
        ConvShape { in_channels: 4, in_height: 8, in_width: 8, out_channels: 5, kernel: 3, stride: 1, padding: 1 };
    let plan = choose(shape, &context.params);
    assert!(Reply::read(&context, &plan, 0, &mut BitReader::new(&high), 0).is_err());
}

/// The value that a reply decrypts to at `position`, when its noise there is `noise` and all bits that it leaves out are as
/// harmful as they can be: the secret is all ones, so that every rounding of c₁ adds up.
fn decrypt_at_the_bound(
    context: &HeContext,
    plan: &ConvPlan,
    position: usize,
    message: u64,
    noise: f64,
    up: bool,
) -> u64 {
    let (limb, degree) = (&context.limbs[0], plan.degree);
    let mut secret = context.lift(&vec![1; degree]);
    context.forward(&mut secret);
    let key = SecretKey { secret };
    let ReplyFormat { dropped_uniform_bits, .. } = plan.reply;
    let mut rng = Seed::reproducible(message).rng();
    // X^N = −1: coefficients above the position are subtracted.
    let low = |index: usize| if (index <= position) == up { 0 } else { (1u64 << dropped_uniform_bits) - 1 };
    let high = |word: u64| ((word % limb.modulus) >> dropped_uniform_bits).saturating_sub(1) << dropped_uniform_bits;
    let uniform: Vec<u64> = (0..degree).map(|index| high(rng.next_u64()) | low(index)).collect();
    let mut product = uniform.clone();
    product.resize(context.limbs.len() * degree, 0);
    context.forward(&mut product);
    let mut phase = context.zero();
    context.mul_add(&mut phase, &product, &key.secret);
    context.inverse(&mut phase);
    let scaled = (u128::from(limb.modulus) * u128::from(message) + (1 << 31)) >> 32;
    let noise = if up { noise as i64 } else { -(noise as i64) };
    let value = limb.sub(limb.add(scaled as u64 % limb.modulus, limb.residue(noise)), phase[position]);
    let values = vec![value; plan.reply_values(0, 0)];
    let mut writer = BitWriter::default();
    Reply { values: vec![values], uniform: vec![uniform] }.write(context, plan, &mut writer);
    let bytes = writer.finish();
    let reply = Reply::read(context, plan, 0, &mut BitReader::new(&bytes), 0).unwrap();
    key.decrypt(context, &reply, &[position])[0]
}

#[test]
fn left_out_bits_change_no_value_even_at_the_bound_of_the_noise() {
    let context = context(32);
    for (in_channels, out_channels, size) in [(1200, 1200, 4), (64, 64, 32), (3, 64, 32), (512, 512, 2), (1, 1, 1)] {
        let (in_height, in_width) = (size, size);
        let plan = choose(
            ConvShape { in_channels, in_height, in_width, out_channels, kernel: 3, stride: 1, padding: 1 },
            &context.params,
        );
        let [_, margin] = context.params.noise_margins(&plan, 11);
        let missing = |bits: u32| f64::from(bits).exp2() / 2.0;
        let left_out = missing(plan.reply.dropped_value_bits) + 4096.0 * missing(plan.reply.dropped_uniform_bits);
        for position in [0, 1, 2047, 4095] {
            for message in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xdead_beef] {
                for up in [true, false] {
                    let at = |noise| decrypt_at_the_bound(&context, &plan, position, message, noise, up);
                    assert_eq!(at(margin.noise - left_out), message, "{plan:?}");
                    assert_ne!(at(margin.capacity * 1.5), message, "noise above the capacity must show");
                }
            }
        }
    }
}

#[test]
fn prepared_weights_that_are_missing_or_of_another_layer_are_refused() {
    let shape =
        ConvShape { in_channels: 4, in_height: 8, in_width: 8, out_channels: 5, kernel: 3, stride: 1, padding: 1 };
    let context = context(32);
    let plan = ConvPlan { prepared: true, ..choose(shape, &context.params) };
    let other = choose(ConvShape { in_channels: 80, out_channels: 90, ..shape }, &context.params);
    let (_, public_key) = SecretKey::generate(&context, &Seed::reproducible(1));
    let (weights, _) = random_layer(&shape, 32, 1);
    let other_weights = vec![0; other.shape.out_channels * other.shape.taps()];
    let other = PreparedLayer::new(&context, &other, &other_weights).unwrap();
    let inputs: Vec<Ciphertext> = (0..plan.input_ciphertexts())
        .map(|_| Ciphertext { masked: context.zero(), seed: Seed::reproducible(2) })
        .collect();
    for prepared in [None, Some(&other)] {
        let layer =
            HomomorphicLayer { context: &context, plan: &plan, weights: &weights, prepared, public_key: &public_key };
        let mask = vec![0; shape.outputs()];
        assert!(layer.evaluate_each(&inputs, &mask, &Seed::reproducible(3), |_, _| Ok(())).is_err());
    }
    assert!(PreparedLayer::new(&context, &plan, &weights[1..]).is_err());
}

/// fhe.rs encrypts the same packed plaintexts, multiplies by the same weight polynomials and decrypts the same outputs.
#[test]
fn an_independent_bfv_agrees_on_a_packed_convolution() {
    use fhe::bfv::{BfvParametersBuilder, Encoding, Plaintext, SecretKey as OracleKey};
    use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder, FheEncrypter};
    let shape =
        ConvShape { in_channels: 4, in_height: 8, in_width: 8, out_channels: 5, kernel: 3, stride: 1, padding: 1 };
    let context = context(32);
    let plan = choose(shape, &context.params);
    assert_eq!((plan.tiles(), plan.input_groups()), (1, 1), "one ciphertext keeps the oracle simple");
    let (weights, input) = random_layer(&shape, 32, 11);
    let (ours, _) = homomorphic(&context, &plan, &weights, &input, 11);

    let parameters = BfvParametersBuilder::new()
        .set_degree(4096)
        .set_plaintext_modulus(1 << 32)
        .set_moduli_sizes(&[54, 55])
        .build_arc()
        .unwrap();
    let mut rng = rand::rng();
    let key = OracleKey::random(&parameters, &mut rng);
    let plaintext = Plaintext::try_encode(&pack_input(&plan, &input, 0), Encoding::poly(), &parameters).unwrap();
    let encrypted = key.try_encrypt(&plaintext, &mut rng).unwrap();
    let layer = |group| {
        let mut coefficients = vec![0u64; plan.degree];
        for (local_out, out) in plan.output_channels(group).enumerate() {
            for channel in 0..4 {
                for tap in 0..9 {
                    let weight = weights[(out * 4 + channel) * 9 + tap];
                    let at = plan.weight_position(local_out, channel, tap / 3, tap % 3);
                    coefficients[at] = weight as u32 as u64;
                }
            }
        }
        coefficients
    };
    for group in 0..plan.output_groups() {
        let weights = Plaintext::try_encode(&layer(group), Encoding::poly(), &parameters).unwrap();
        let product = key.try_decrypt(&(&encrypted * &weights)).unwrap();
        let product = Vec::<u64>::try_decode(&product, Encoding::poly()).unwrap();
        for (local, out) in plan.output_channels(group).enumerate() {
            for pixel in 0..64 {
                let theirs = product[plan.output_position(local, pixel / 8, pixel % 8)];
                assert_eq!(theirs, ours[out * 64 + pixel]);
            }
        }
    }
}
