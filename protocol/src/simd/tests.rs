//! Plans against published counts, and the places of values against the definition of a convolution.

use super::*;
use crate::packing::{ConvShape, PackingFault};
use crate::shares::DELPHI_PRIME;
use proptest::prelude::*;

fn params() -> SimdParams {
    SimdParams::new(8192, vec![43, 43, 44, 44], 44, DELPHI_PRIME, 40).unwrap()
}

fn convolution(size: usize, in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> SimdPlan {
    let (in_height, in_width) = (size, size);
    let shape = ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding: kernel / 2 };
    SimdPlan::choose(shape, &params()).unwrap()
}

fn fully_connected(in_channels: usize, out_channels: usize) -> SimdPlan {
    convolution(1, in_channels, out_channels, 1, 1)
}

/// Key switches if a digit of a whole row, which SEAL leaves out, were one.
fn with_whole_rows(plan: &SimdPlan) -> u64 {
    let whole =
        |diagonal: &usize| non_adjacent_form(plan.rotation(*diagonal)).iter().any(|digit| *digit == plan.row() as i64);
    let left_out = (1..plan.diagonals).filter(whole).count();
    plan.key_switches() + (plan.replies * plan.input_groups * plan.permutations * left_out) as u64
}

#[test]
fn convolutions_have_the_published_products_rotations_and_digits() {
    // Products, rotations and digits of the packing's formulas, for layers whose times are published (Garimella et al.,
    // ASPLOS 2023).
    for (size, inputs, outputs, stride, muls, rotations, digits) in [
        (32, 3, 64, 1, 576, 56, 72),
        (32, 64, 64, 1, 4608, 448, 576),
        (32, 64, 128, 2, 9216, 896, 1152),
        (16, 128, 128, 1, 4608, 496, 912),
        (8, 256, 256, 1, 4608, 508, 1252),
        (4, 512, 512, 1, 4608, 511, 1593),
        (32, 128, 128, 1, 18432, 1792, 2304),
        (32, 16, 16, 1, 288, 28, 36),
        (8, 64, 64, 1, 576, 63, 156),
    ] {
        let plan = convolution(size, inputs, outputs, 3, stride);
        let counts = (plan.plain_muls(), plan.rotations(), with_whole_rows(&plan));
        assert_eq!(counts, (muls, rotations, digits), "{size}: {inputs} to {outputs}");
    }
}

/// Published ciphertexts up and down for each layer of ResNet-18 on 32×32 pixels.
#[test]
fn resnet18_has_the_published_ciphertexts_and_totals() {
    let mut layers = vec![(32, 3, 64, 1, 9, 8)];
    layers.extend(vec![(32, 64, 64, 1, 72, 8); 4]);
    layers.push((32, 64, 128, 2, 72, 16));
    layers.extend(vec![(16, 128, 128, 1, 36, 4); 3]);
    layers.push((16, 128, 256, 2, 36, 8));
    layers.extend(vec![(8, 256, 256, 1, 18, 2); 3]);
    layers.push((8, 256, 512, 2, 18, 4));
    layers.extend(vec![(4, 512, 512, 1, 9, 1); 3]);
    let mut plans = Vec::new();
    for (size, inputs, outputs, stride, up, down) in layers {
        let plan = convolution(size, inputs, outputs, 3, stride);
        assert_eq!((plan.input_ciphertexts(), plan.output_ciphertexts()), (up, down), "{size}: {inputs} to {outputs}");
        plans.push(plan);
    }
    for (size, inputs) in [(32, 64), (16, 128), (8, 256)] {
        plans.push(convolution(size, inputs, 2 * inputs, 1, 2));
    }
    let total = |count: fn(&SimdPlan) -> u64| plans.iter().map(count).sum::<u64>();
    assert_eq!(total(SimdPlan::plain_muls), 91_200);
    assert_eq!(total(with_whole_rows), 24_607);
    assert_eq!(total(SimdPlan::key_switches), 20_761, "a rotation by a whole row needs no key switch");
}

#[test]
fn minionn_multiplies_8144_times() {
    let layers = [(32, 3, 64, 3), (32, 64, 64, 3), (16, 64, 64, 3), (16, 64, 64, 3), (8, 64, 64, 3), (8, 64, 64, 1)];
    let muls = |(size, inputs, outputs, kernel)| convolution(size, inputs, outputs, kernel, 1).plain_muls();
    assert_eq!(layers.into_iter().map(muls).sum::<u64>() + muls((8, 64, 16, 1)), 8144);
}

#[test]
fn fully_connected_layers_of_the_published_networks_take_one_ciphertext_each_way() {
    for (inputs, outputs, muls, switches) in [(2048, 10, 4, 13), (1024, 10, 2, 10), (64, 10, 1, 6), (512, 100, 8, 17)] {
        let plan = fully_connected(inputs, outputs);
        assert_eq!((plan.input_ciphertexts(), plan.output_ciphertexts()), (1, 1));
        assert_eq!((plan.plain_muls(), plan.key_switches()), (muls, switches), "{inputs} to {outputs}");
    }
}

#[test]
fn ciphertexts_and_keys_have_the_published_sizes() {
    assert_eq!(params().ciphertext_bytes(), 524_393);
    assert_eq!(fully_connected(64, 10).fresh_ciphertext_bytes(), 524_393);
    assert_eq!((params().galois_keys(), params().key_polynomials()), (24, 101));
    let published = 33_180_308.0;
    assert!((params().keys_bytes() as f64 / published - 1.0).abs() < 0.005, "{}", params().keys_bytes());
}

#[test]
fn parameters_without_slots_or_security_are_refused() {
    let of = |degree, limbs: &[u32], plain| SimdParams::new(degree, limbs.to_vec(), 44, plain, 40);
    assert!(of(8192, &[43, 43, 44, 44], DELPHI_PRIME).is_some());
    assert!(of(8192, &[43, 44, 44, 44], DELPHI_PRIME).is_none(), "219 bits are too many");
    assert!(of(4096, &[43, 43, 44, 44], DELPHI_PRIME).is_none());
    assert!(of(8192, &[43, 43], (1 << 41) - 21).is_none(), "2N does not divide p − 1");
    assert!(of(8192, &[43, 43], 16384 * 16384 + 1).is_none(), "2^28 + 1 = 17 · 15790321 is no prime");
    assert!(of(8192, &[40, 43], DELPHI_PRIME).is_none(), "a limb is below p");
    assert!(of(8192, &[], DELPHI_PRIME).is_none());
    let primes = params();
    assert!(primes.moduli.iter().chain([&primes.special]).all(|prime| prime % 16384 == 1));
    assert!(!primes.moduli.contains(&primes.special));
}

#[test]
fn an_image_larger_than_a_row_and_too_much_noise_are_refused() {
    let shape =
        ConvShape { in_channels: 1, in_height: 65, in_width: 64, out_channels: 1, kernel: 3, stride: 1, padding: 1 };
    assert_eq!(SimdPlan::choose(shape, &params()), Err(PackingFault::Row));
    let small = SimdParams::new(8192, vec![43, 43], 44, DELPHI_PRIME, 40).unwrap();
    let shape = ConvShape { in_height: 8, in_width: 8, ..shape };
    assert!(matches!(SimdPlan::choose(shape, &small), Err(PackingFault::Noise(_))));
}

#[test]
fn flooding_hides_forty_bits_for_all_coefficients_of_a_layer_where_there_is_room_and_always_for_each() {
    for plan in [
        convolution(32, 3, 64, 3, 1),
        convolution(4, 1200, 1200, 3, 1),
        convolution(64, 64, 64, 3, 1),
        fully_connected(2048, 10),
        fully_connected(25088, 4096),
    ] {
        let hidden = params().hidden_noise(&plan);
        let flooding = f64::from(plan.flooding_bits).exp2();
        let coefficients = 8192.0 * plan.output_ciphertexts() as f64;
        assert!(flooding >= hidden * 40f64.exp2() && flooding < 4.0 * coefficients * hidden * 40f64.exp2());
        let all = flooding >= coefficients * hidden * 40f64.exp2();
        assert!(all || plan.flooding_bits >= 125, "{} bits", plan.flooding_bits);
        assert!(params().noise_margins(&plan).iter().all(|margin| margin.holds()), "{plan:?}");
    }
}

#[test]
fn rotations_are_made_of_signed_powers_of_two_below_a_row() {
    for row in [512usize, 4096] {
        for steps in 0..row {
            let digits = rotation_digits(steps, row);
            assert_eq!(digits.iter().sum::<i64>().rem_euclid(row as i64), steps as i64);
            let allowed = |digit: &i64| digit.unsigned_abs().is_power_of_two() && digit.unsigned_abs() < row as u64;
            assert!(digits.iter().all(allowed), "{steps}: {digits:?}");
        }
    }
}

/// A reply's slots, computed in the clear as the server does under encryption.
fn evaluate(plan: &SimdPlan, weights: &[i64], input: &[i64], reply: usize) -> Vec<i64> {
    let row = plan.row();
    let rotate = |slots: &[i64], steps: usize| -> Vec<i64> {
        (0..2 * row).map(|slot| slots[slot / row * row + (slot % row + steps) % row]).collect()
    };
    let swap = |slots: &[i64]| -> Vec<i64> { (0..2 * row).map(|slot| slots[(slot + row) % (2 * row)]).collect() };
    let mut total = vec![0; 2 * row];
    for sum in plan.sums() {
        let mut products = vec![0; 2 * row];
        for tap in 0..plan.taps {
            for (slot, product) in products.iter_mut().enumerate() {
                let weight = plan.weight_place(reply, sum, tap, slot / row, slot % row / plan.block);
                let value = plan.input_place(sum.group * plan.taps + tap, slot);
                *product += weight.map_or(0, |place| weights[place]) * value.map_or(0, |place| input[place]);
            }
        }
        let rotated = rotate(&products, plan.rotation(sum.diagonal));
        let home = if sum.permutation == 1 { swap(&rotated) } else { rotated };
        total.iter_mut().zip(home).for_each(|(total, part)| *total += part);
    }
    for fold in &plan.folds {
        let rotated = rotate(&total, *fold);
        total.iter_mut().zip(rotated).for_each(|(total, part)| *total += part);
    }
    if plan.fold_rows {
        let swapped = swap(&total);
        total.iter_mut().zip(swapped).for_each(|(total, part)| *total += part);
    }
    total
}

/// Checks that every output of a layer has one slot, and that it holds what the layer's definition says.
fn check(plan: &SimdPlan) {
    let shape = plan.shape;
    let number = |index: usize, most: usize| (index * 7919 + 13) as i64 % most as i64 - most as i64 / 2;
    let weights: Vec<i64> = (0..shape.out_channels * shape.taps()).map(|index| number(index, 2001)).collect();
    let input: Vec<i64> = (0..shape.inputs()).map(|index| number(index + 5, 997)).collect();
    let mut found = vec![None; shape.outputs()];
    for reply in 0..plan.replies {
        let slots = evaluate(plan, &weights, &input, reply);
        for (slot, value) in slots.into_iter().enumerate() {
            if let Some(place) = plan.output_place(reply, slot) {
                assert_eq!(found[place].replace(value), None, "two slots hold one output");
            }
        }
    }
    let (height, width) = (shape.out_height(), shape.out_width());
    for (place, found) in found.into_iter().enumerate() {
        let (channel, y, x) = (place / (height * width), place / width % height, place % width);
        let mut expected = 0;
        for tap in 0..shape.taps() {
            let (from, ky, kx) = (tap / shape.kernel.pow(2), tap / shape.kernel % shape.kernel, tap % shape.kernel);
            let (y, x) = (y * shape.stride + ky, x * shape.stride + kx);
            let (Some(y), Some(x)) = (y.checked_sub(shape.padding), x.checked_sub(shape.padding)) else { continue };
            if y < shape.in_height && x < shape.in_width {
                let value = input[(from * shape.in_height + y) * shape.in_width + x];
                expected += weights[channel * shape.taps() + tap] * value;
            }
        }
        assert_eq!(found, Some(expected), "{plan:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn slots_of_convolutions_hold_what_convolutions_are(
        (in_channels, out_channels) in (1usize..40, 1usize..40), (in_height, in_width) in (1usize..18, 1usize..18),
        kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..3, padded: bool,
    ) {
        let padding = if padded || in_height < kernel || in_width < kernel { kernel / 2 } else { 0 };
        let shape = ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding };
        check(&SimdPlan::choose(shape, &params()).unwrap());
    }

    #[test]
    fn slots_of_fully_connected_layers_hold_dot_products(in_channels in 1usize..600, out_channels in 1usize..70) {
        check(&fully_connected(in_channels, out_channels));
    }
}

#[test]
fn layers_at_the_edges_of_the_packing_are_right() {
    for plan in [
        convolution(64, 2, 3, 3, 1),
        convolution(64, 1, 1, 3, 2),
        convolution(2, 1100, 3, 1, 1),
        convolution(3, 3, 600, 1, 1),
        convolution(1, 1, 1, 3, 1),
        fully_connected(1, 1),
        fully_connected(4096, 3),
        fully_connected(5000, 4),
        fully_connected(8193, 2),
        fully_connected(20000, 1),
        fully_connected(2, 9000),
        fully_connected(1, 8193),
    ] {
        check(&plan);
    }
    // A padded single pixel whose output is larger than its input.
    let shape =
        ConvShape { in_channels: 3, in_height: 1, in_width: 1, out_channels: 5, kernel: 1, stride: 1, padding: 2 };
    check(&SimdPlan::choose(shape, &params()).unwrap());
}
