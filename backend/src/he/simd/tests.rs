//! Encryption with slots, rotations, and homomorphic layers, against plain arithmetic modulo p.

use super::*;
use crate::counter::Counter;
use crate::he::sample::Sampler;
use crate::random::Seed;
use pisim_protocol::{ConvShape, SimdParams, SimdPlan};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

const PRIME: u64 = 2_061_584_302_081;

/// Everything that a client and a server share, made once: keys take a while.
struct Parties {
    context: SimdContext,
    secret: SimdSecretKey,
    message: Vec<u8>,
    keys: EvaluationKeys,
}

impl Parties {
    fn new(params: &SimdParams, seed: u64) -> Self {
        let context = SimdContext::new(params, Arc::default()).unwrap();
        let seed = Seed::reproducible(seed);
        let secret = SimdSecretKey::generate(&context, &seed.derive("secret", 0));
        let message = secret.keys(&context, &seed.derive("keys", 0)).bytes().to_vec();
        assert_eq!(context.counter.take(), params.keygen_work());
        let keys = EvaluationKeys::read(&context, &message, 0).unwrap();
        assert_eq!(context.counter.take(), params.read_keys_work());
        Self { context, secret, message, keys }
    }

    /// The same keys with a counter of their own.
    fn with_counter(&self) -> (SimdContext, Arc<Counter>) {
        let counter = Arc::new(Counter::default());
        (SimdContext::new(&self.context.params, counter.clone()).unwrap(), counter)
    }
}

fn params() -> SimdParams {
    SimdParams::new(8192, vec![43, 43, 44, 44], 44, PRIME, 40).unwrap()
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| Parties::new(&params(), 1));

fn slots(seed: u64, modulus: u64, count: usize) -> Vec<u64> {
    let mut slots = Vec::new();
    Sampler::new(&Seed::reproducible(seed)).uniform(modulus, count, &mut slots);
    slots
}

/// W·input + mask modulo p by definition.
fn plain_layer(shape: &ConvShape, weights: &[i32], input: &[u64], mask: &[u64]) -> Vec<u64> {
    let (height, width, kernel) = (shape.out_height(), shape.out_width(), shape.kernel);
    let output = |place: usize| {
        let (channel, y, x) = (place / (height * width), place / width % height, place % width);
        let mut sum = i128::from(mask[place]);
        for tap in 0..shape.taps() {
            let (from, ky, kx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
            let (y, x) = ((y * shape.stride + ky).wrapping_sub(shape.padding), x * shape.stride + kx);
            let x = x.wrapping_sub(shape.padding);
            if y < shape.in_height && x < shape.in_width {
                let value = input[(from * shape.in_height + y) * shape.in_width + x];
                sum += i128::from(weights[channel * shape.taps() + tap]) * i128::from(value);
            }
        }
        sum.rem_euclid(i128::from(PRIME)) as u64
    };
    (0..shape.outputs()).map(output).collect()
}

/// Runs a layer under encryption, and checks its outputs and that it did the plan's work.
fn check_values(shape: ConvShape, weights: &[i32], input: &[u64], mask: &[u64]) {
    let plan = SimdPlan::choose(shape, &PARTIES.context.params).unwrap();
    let (context, counter) = PARTIES.with_counter();
    let seed = Seed::reproducible(3);
    let inputs = encrypt(&context, &PARTIES.secret, &plan, input, &seed.derive("up", 0)).unwrap();
    assert_eq!(inputs.bytes().len() as u64, plan.input_bytes());
    assert_eq!(counter.take(), plan.encrypt_work(), "{plan:?}");
    let seed = seed.derive("down", 0);
    let replies = evaluate(&context, &PARTIES.keys, &plan, weights, mask, &seed, inputs.bytes(), 0).unwrap();
    assert_eq!(replies.bytes().len() as u64, plan.reply_bytes());
    assert_eq!(counter.take(), plan.linear_work(), "{plan:?}");
    let outputs = decrypt(&context, &PARTIES.secret, &plan, replies.bytes(), 0).unwrap();
    assert_eq!(counter.take(), plan.decrypt_work(), "{plan:?}");
    assert!(outputs == plain_layer(&shape, weights, input, mask), "{plan:?}");
}

fn check(shape: ConvShape, seed: u64) {
    let weights: Vec<i32> =
        slots(seed, 1 << 11, shape.out_channels * shape.taps()).iter().map(|word| *word as i32 - 1024).collect();
    let (input, mask) = (slots(seed ^ 1, PRIME, shape.inputs()), slots(seed ^ 2, PRIME, shape.outputs()));
    check_values(shape, &weights, &input, &mask);
}

fn vector(in_channels: usize, out_channels: usize) -> ConvShape {
    ConvShape { in_channels, in_height: 1, in_width: 1, out_channels, kernel: 1, stride: 1, padding: 0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn homomorphic_convolutions_equal_plain_ones_and_count_exactly(
        (in_channels, out_channels) in (1usize..24, 1usize..24), (in_height, in_width) in (1usize..17, 1usize..17),
        kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..3, padded: bool, seed: u64,
    ) {
        let padding = if padded || in_height < kernel || in_width < kernel { kernel / 2 } else { 0 };
        // Small images have many diagonals; keep each case short.
        let out_channels = if in_height * in_width < 32 { out_channels.min(8) } else { out_channels };
        check(ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding }, seed);
    }

    #[test]
    fn homomorphic_fully_connected_layers_equal_plain_ones_and_count_exactly(
        in_channels in 1usize..3000, out_channels in 1usize..40, seed: u64,
    ) {
        check(vector(in_channels, out_channels), seed);
    }
}

#[test]
fn layers_at_the_edges_of_the_packing_are_exact() {
    let image = |in_channels, size, out_channels, kernel, stride| ConvShape {
        in_channels,
        in_height: size,
        in_width: size,
        out_channels,
        kernel,
        stride,
        padding: kernel / 2,
    };
    for shape in [
        // One channel fills a row; three halves are rounded up to four.
        image(3, 64, 3, 3, 1),
        // All outputs in one half, inputs in both rows, then in several ciphertexts.
        image(20, 16, 3, 1, 2),
        image(40, 16, 2, 1, 1),
        image(1, 1, 1, 3, 1),
        vector(1, 1),
        vector(1, 9000),
        vector(5000, 3),
        vector(9000, 2),
    ] {
        check(shape, 11);
    }
}

#[test]
fn extreme_values_are_exact() {
    let shape =
        ConvShape { in_channels: 9, in_height: 16, in_width: 16, out_channels: 17, kernel: 3, stride: 1, padding: 1 };
    for (weight, value, mask) in
        [(0, 0, 0), (-1024, PRIME - 1, PRIME - 1), (i32::MIN, PRIME / 2, 1), (i32::MAX, PRIME / 2 + 1, PRIME / 2)]
    {
        let weights = vec![weight; shape.out_channels * shape.taps()];
        check_values(shape, &weights, &vec![value; shape.inputs()], &vec![mask; shape.outputs()]);
    }
}

#[test]
fn rotations_and_swaps_of_ciphertexts_move_their_slots() {
    let Parties { context, secret, keys, .. } = &*PARTIES;
    let values = slots(5, PRIME, 8192);
    let pair = secret.encrypt(context, &values, &Seed::reproducible(6));
    assert!(secret.decrypt(context, pair.clone()) == values);
    for steps in [0, 1, 2, 3, 5, 1024, 2047, 2048, 2049, 2731, 3072, 4095] {
        let rotated = secret.decrypt(context, context.rotate(keys, pair.clone(), steps).unwrap());
        let expected = |slot: usize| values[slot / 4096 * 4096 + (slot + steps) % 4096];
        assert!(rotated == (0..8192).map(expected).collect::<Vec<_>>(), "{steps}");
    }
    let swapped = secret.decrypt(context, context.swap_rows(keys, &pair));
    assert!(swapped[..4096] == values[4096..] && swapped[4096..] == values[..4096]);
}

/// The largest coefficient of a polynomial modulo q (given by its residues) that is small in size, from two limbs.
fn size(context: &SimdContext, poly: &[u64]) -> i128 {
    let [first, second] = [0, 1].map(|index| context.limbs[index].modulus);
    let product = i128::from(first) * i128::from(second);
    let inverse = i128::from(crate::he::limb::invert(first % second, second));
    let residues = poly.chunks(8192).take(2).collect::<Vec<_>>();
    let values = residues[0].iter().zip(residues[1]).map(|(a, b)| {
        let difference = (i128::from(*b) - i128::from(*a)).rem_euclid(second.into());
        let value = i128::from(*a) + i128::from(first) * (difference * inverse % i128::from(second));
        if value > product / 2 { product - value } else { value }
    });
    values.max().unwrap()
}

#[test]
fn a_switched_polynomial_is_its_product_with_the_other_secret_up_to_the_bound_of_noise() {
    let Parties { context, secret, keys, .. } = &*PARTIES;
    let degree = 8192;
    for (key, seed) in [(&keys.left[0], 1), (&keys.left[11], 2), (&keys.right[10], 3), (&keys.swap, 4)] {
        let poly: Vec<u64> = context.q().iter().flat_map(|limb| slots(seed, limb.modulus, degree)).collect();
        let switched = secret.phase(context, context.switch_key(&key.key, poly.clone()));
        let other: Vec<u64> = secret.secret[..4 * degree]
            .chunks(degree)
            .flat_map(|limb| key.permutation.iter().map(|place| limb[*place as usize]))
            .collect();
        let mut product = vec![0; 4 * degree];
        context.mul_add(context.q(), &mut product, &poly, &other);
        for (limb, residues) in context.q().iter().zip(product.chunks_mut(degree)) {
            context.inverse(limb, residues);
        }
        let differences = switched.chunks(degree).zip(product.chunks(degree)).zip(context.q());
        let noise: Vec<u64> = differences
            .flat_map(|((a, b), limb)| a.iter().zip(b).map(|(a, b)| limb.sub(*a, *b)).collect::<Vec<_>>())
            .collect();
        // Σ 2^44·8192·21/2^44 + 4096.5, as in the plans' noise bound; and some, or nothing was switched.
        let size = size(context, &noise);
        assert!(size > 16 && size < 4 * 8192 * 21 + 4097, "{size}");
    }
}

#[test]
fn noise_of_replies_is_below_its_bound_and_covers_its_flooding() {
    let Parties { context, secret, keys, .. } = &*PARTIES;
    let shape = vector(64, 10);
    let plan = SimdPlan::choose(shape, &context.params).unwrap();
    let (weights, input) = (vec![1023; 640], slots(1, PRIME, 64));
    let inputs = encrypt(context, secret, &plan, &input, &Seed::reproducible(1)).unwrap();
    let evaluate = |plan: &SimdPlan| {
        let seed = Seed::reproducible(2);
        let reply = evaluate(context, keys, plan, &weights, &[0; 10], &seed, inputs.bytes(), 0).unwrap();
        let pair = context.take_ciphertext(&mut reply.bytes(), 0).unwrap();
        let slots = secret.decrypt(context, pair.clone());
        let mut scaled = vec![0; 4 * 8192];
        let remainders = context.scaling_remainders(&context.encode(&slots));
        let phase = secret.phase(context, pair);
        for (limb, (scaled, phase)) in context.q().iter().zip(scaled.chunks_mut(8192).zip(phase.chunks(8192))) {
            context.add_scaled(limb, scaled, &remainders);
            scaled.iter_mut().zip(phase).for_each(|(scaled, phase)| *scaled = limb.sub(*phase, *scaled));
        }
        scaled
    };
    // Hardly any flooding leaves the noise that it hides.
    let hidden = size(context, &evaluate(&SimdPlan { flooding_bits: 1, ..plan.clone() })) as f64;
    let bound = context.params.hidden_noise(&plan);
    assert!(hidden < bound && hidden > bound / 40f64.exp2(), "{hidden} of {bound}");
    let limited = SimdPlan { flooding_bits: 80, ..plan };
    let flooded = size(context, &evaluate(&limited)) as f64;
    assert!(flooded < 1.01 * 80f64.exp2() && flooded > 0.98 * 80f64.exp2());
}

#[test]
fn slots_that_are_no_outputs_are_uniform() {
    let Parties { context, secret, keys, .. } = &*PARTIES;
    let plan = SimdPlan::choose(vector(64, 10), &context.params).unwrap();
    let inputs = encrypt(context, secret, &plan, &[1; 64], &Seed::reproducible(1)).unwrap();
    let replies = [1, 2].map(|seed| {
        let seed = Seed::reproducible(seed);
        let reply = evaluate(context, keys, &plan, &[3; 640], &[0; 10], &seed, inputs.bytes(), 0).unwrap();
        secret.decrypt(context, context.take_ciphertext(&mut reply.bytes(), 0).unwrap())
    });
    let outputs = (0..8192).filter(|slot| replies[0][*slot] == replies[1][*slot]).collect::<Vec<_>>();
    let places: Vec<usize> = (0..8192).filter(|slot| plan.output_place(0, *slot).is_some()).collect();
    assert_eq!(outputs, places, "only outputs are the same for two seeds");
    let mean = replies[0].iter().map(|value| *value as f64).sum::<f64>() / 8192.0 / PRIME as f64;
    assert!((mean - 0.5).abs() < 0.02, "{mean}");
}

#[test]
fn other_parameters_lengths_headers_and_residues_are_refused() {
    let Parties { context, secret, keys, message } = &*PARTIES;
    let shape = vector(4, 4);
    let plan = SimdPlan::choose(shape, &context.params).unwrap();
    let seed = Seed::reproducible(1);
    let inputs = encrypt(context, secret, &plan, &[1; 4], &seed).unwrap();
    let attempt = |bytes: &[u8]| evaluate(context, keys, &plan, &[1; 16], &[0; 4], &seed, bytes, 7).is_ok();
    assert!(attempt(inputs.bytes()));
    assert!(!attempt(&inputs.bytes()[1..]) && !attempt(&[]));
    for place in [0, 20, 48, 60, 104, 112, inputs.bytes().len() - 1] {
        let mut bytes = inputs.bytes().to_vec();
        bytes[place] = 255;
        assert!(!attempt(&bytes), "byte {place}");
        assert!(decrypt(context, secret, &plan, &bytes, 7).is_err());
    }
    let mut bytes = message.clone();
    *bytes.last_mut().unwrap() = 255;
    assert!(EvaluationKeys::read(context, &bytes, 7).is_err());
    assert!(EvaluationKeys::read(context, &message[1..], 7).is_err());
    let masked = |mask: &[u64]| evaluate(context, keys, &plan, &[1; 16], mask, &seed, inputs.bytes(), 7).is_ok();
    assert!(!masked(&[0; 3]) && !masked(&[0, 0, 0, PRIME]));
    assert!(encrypt(context, secret, &plan, &[0, 0, 0, PRIME], &seed).is_err());
    assert!(encrypt(context, secret, &plan, &[0; 3], &seed).is_err());
    assert!(encrypt(context, secret, &SimdPlan { limbs: 3, ..plan }, &[0; 4], &seed).is_err());
}

#[test]
fn parameters_of_other_degrees_and_widths_work() {
    for (degree, limbs, special, prime) in
        [(4096, vec![36, 36], 37, 40961), (16384, vec![60, 50, 60], 55, 65537), (8192, vec![50, 50, 50], 52, PRIME)]
    {
        let params = SimdParams::new(degree, limbs, special, prime, 1).unwrap();
        let parties = Parties::new(&params, 9);
        let (context, secret) = (&parties.context, &parties.secret);
        let values = slots(1, prime, degree);
        let pair = secret.encrypt(context, &values, &Seed::reproducible(2));
        let rotated = context.rotate(&parties.keys, pair, 3).unwrap();
        let decrypted = secret.decrypt(context, rotated);
        let row = degree / 2;
        assert!((0..degree).all(|slot| decrypted[slot] == values[slot / row * row + (slot + 3) % row]), "{degree}");
    }
}

/// fhe.rs encrypts the same slots, multiplies by the same plaintexts, rotates, swaps, and decrypts the same outputs.
#[test]
fn an_independent_bfv_agrees_on_slots_and_rotations() {
    use fhe::bfv::{BfvParametersBuilder, Encoding, EvaluationKeyBuilder, Plaintext, SecretKey as OracleKey};
    use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder, FheEncrypter};
    // Two permutations, four diagonals and four taps in turn.
    let shape =
        ConvShape { in_channels: 5, in_height: 32, in_width: 32, out_channels: 7, kernel: 2, stride: 1, padding: 0 };
    let plan = SimdPlan::choose(shape, &PARTIES.context.params).unwrap();
    assert_eq!((plan.permutations, plan.diagonals, plan.replies), (2, 4, 1));
    let weights: Vec<i32> = (0..140).map(|index| index * 13 - 900).collect();
    let input = slots(8, PRIME, shape.inputs());

    let parameters = BfvParametersBuilder::new()
        .set_degree(8192)
        .set_plaintext_modulus(PRIME)
        .set_moduli_sizes(&[54, 54, 55, 55])
        .build_arc()
        .unwrap();
    let mut rng = rand::rng();
    let key = OracleKey::random(&parameters, &mut rng);
    let mut builder = EvaluationKeyBuilder::new(&key).unwrap();
    builder.enable_row_rotation().unwrap();
    for diagonal in 1..4 {
        builder.enable_column_rotation(diagonal * 1024).unwrap();
    }
    let rotations = builder.build(&mut rng).unwrap();
    let plaintext = |slots: &[u64]| Plaintext::try_encode(slots, Encoding::simd(), &parameters).unwrap();
    let inputs: Vec<_> = (0..plan.taps)
        .map(|ciphertext| {
            let value = |slot| plan.input_place(ciphertext, slot).map_or(0, |place| input[place]);
            key.try_encrypt(&plaintext(&(0..8192).map(value).collect::<Vec<_>>()), &mut rng).unwrap()
        })
        .collect();
    let parts = plan.sums().map(|sum| {
        let product = |tap: usize| {
            let weight = |slot: usize| {
                let place = plan.weight_place(0, sum, tap, slot / 4096, slot % 4096 / plan.block);
                place.map_or(0, |place| i64::from(weights[place]).rem_euclid(PRIME as i64) as u64)
            };
            &inputs[tap] * &plaintext(&(0..8192).map(weight).collect::<Vec<_>>())
        };
        let products = (0..plan.taps).map(product).reduce(|a, b| &a + &b).unwrap();
        let steps = plan.rotation(sum.diagonal);
        let turned = if steps == 0 { products } else { rotations.rotates_columns_by(&products, steps).unwrap() };
        if sum.permutation == 1 { rotations.rotates_rows(&turned).unwrap() } else { turned }
    });
    let total = key.try_decrypt(&parts.reduce(|a, b| &a + &b).unwrap()).unwrap();
    let theirs = Vec::<u64>::try_decode(&total, Encoding::simd()).unwrap();

    let expected = plain_layer(&shape, &weights, &input, &vec![0; shape.outputs()]);
    let places = (0..8192).filter_map(|slot| Some((slot, plan.output_place(0, slot)?)));
    assert_eq!(places.map(|(slot, place)| assert_eq!(theirs[slot], expected[place])).count(), shape.outputs());
    check_values(shape, &weights, &input, &vec![0; shape.outputs()]);
}

/// Prints rates: `cargo test --release -p pisim-backend simd::tests::rates -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn rates() {
    let Parties { context, secret, keys, .. } = &*PARTIES;
    let pair = secret.encrypt(context, &slots(1, PRIME, 8192), &Seed::reproducible(1));
    let start = std::time::Instant::now();
    (0..100).for_each(|_| drop(context.switch_key(&keys.swap.key, pair[1].clone())));
    println!("{:.3} ms per key switch", start.elapsed().as_secs_f64() * 10.0);
    for (in_channels, size) in [(64, 16), (64, 32), (512, 4)] {
        let shape = ConvShape {
            in_channels,
            in_height: size,
            in_width: size,
            out_channels: in_channels,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
        let plan = SimdPlan::choose(shape, &context.params).unwrap();
        let (weights, input) = (vec![3; shape.out_channels * shape.taps()], slots(2, PRIME, shape.inputs()));
        let seed = Seed::reproducible(1);
        let start = std::time::Instant::now();
        let inputs = encrypt(context, secret, &plan, &input, &seed).unwrap();
        let encrypted = start.elapsed();
        let mask = vec![0; shape.outputs()];
        let replies = evaluate(context, keys, &plan, &weights, &mask, &seed, inputs.bytes(), 0).unwrap();
        let evaluated = start.elapsed();
        decrypt(context, secret, &plan, replies.bytes(), 0).unwrap();
        let (muls, switches) = (plan.plain_muls(), plan.key_switches());
        println!(
            "{in_channels} channels of {size}²: encrypt {encrypted:.3?}, evaluate {:.3?} ({muls} products, {switches} \
             key switches), decrypt {:.3?}",
            evaluated - encrypted,
            start.elapsed() - evaluated
        );
    }
}
