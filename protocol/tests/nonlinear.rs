//! The circuits of non-linear layers against the integer reference, and their AND gates against the formulas.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests, a broken expectation is a failed test")]

use pisim_netgen::{FixedPoint, Pointwise, Slope, prelu};
use pisim_protocol::circuit::Circuit;
use pisim_protocol::gadgets::Activation;
use pisim_protocol::prime::Offsets;
use pisim_protocol::{DELPHI_PRIME, NonLinear, Party, Shares};
use proptest::prelude::*;

const GARBLERS: [Party; 2] = [Party::Server, Party::Client];

/// What a layer does, in the words of the network.
#[derive(Debug, Clone, Copy)]
enum Act {
    None,
    Pointwise(Pointwise),
    PRelu(i32),
}

fn activation(act: Act, format: FixedPoint) -> Activation {
    match act {
        Act::None => Activation::Rescale,
        Act::Pointwise(Pointwise::Relu) => Activation::Relu,
        Act::Pointwise(Pointwise::ClampedRelu { max }) => {
            Activation::ClampedRelu { most: u64::from(max) << format.fraction_bits }
        }
        Act::Pointwise(Pointwise::LeakyRelu { slope }) => Activation::LeakyRelu { slope },
        Act::PRelu(_) => Activation::PRelu { slope_bits: format.weight_bits, fraction_bits: format.fraction_bits },
    }
}

/// The integer reference: the largest value, rescaled, activated and wrapped.
fn reference(act: Act, format: FixedPoint, shift: u32, values: &[i64]) -> i64 {
    let rescaled = i128::from(*values.iter().max().unwrap()) >> shift;
    format.wrap(match act {
        Act::None => rescaled,
        Act::Pointwise(pointwise) => pointwise.apply(&format, rescaled),
        Act::PRelu(slope) => prelu(&format, slope, rescaled),
    })
}

fn modulus(shares: Shares) -> i128 {
    match shares {
        Shares::Ring { bits } => 1 << bits,
        Shares::Prime { modulus } => modulus.into(),
    }
}

/// The circuit's answer for values, the client's shares of them and the garbler's mask, as a signed number.
fn run(nonlinear: NonLinear, circuit: &Circuit, garbler: Party, shares: Shares, shift: u32, case: &Case) -> i64 {
    let modulus = modulus(shares);
    let of = |number: i128| number.rem_euclid(modulus) as u64;
    let offsets = Offsets::of(nonlinear, shares, shift);
    let mut client: Vec<u64> = case.shares.iter().map(|share| of((*share).into())).collect();
    let mut server: Vec<u64> =
        case.values.iter().zip(&client).map(|(value, b)| of(i128::from(*value) - i128::from(*b))).collect();
    let own = if garbler == Party::Server { &mut server } else { &mut client };
    own.iter_mut().for_each(|share| *share = of(i128::from(*share) + i128::from(offsets.share)));
    let mask = of(case.mask.into());
    let minus_r = of(-i128::from(mask) - i128::from(offsets.mask));
    let wires = shares.wires() as usize;
    let bits = |value: u64, width: usize| (0..width).map(move |bit| value >> bit & 1 == 1);
    let slope = bits(case.slope as u64, nonlinear.slope_bits());
    let server = server.into_iter().flat_map(|share| bits(share, wires));
    let client = client.into_iter().flat_map(|share| bits(share, wires));
    // In the order of the wires: the slope comes behind the evaluator's shares, or before the garbler's mask.
    let inputs: Vec<bool> = match garbler {
        Party::Server => server.chain(client).chain(slope).chain(bits(minus_r, wires)).collect(),
        Party::Client => server.chain(slope).chain(client).chain(bits(minus_r, wires)).collect(),
    };
    assert_eq!(inputs.len(), circuit.inputs.total());
    let outputs = circuit.evaluate(&inputs);
    let output: i128 = outputs.iter().enumerate().map(|(bit, set)| i128::from(*set) << bit).sum();
    assert!(output < modulus);
    let sum = (output + i128::from(mask)).rem_euclid(modulus);
    (if sum > (modulus - 1) / 2 { sum - modulus } else { sum }) as i64
}

struct Case {
    values: Vec<i64>,
    shares: Vec<u64>,
    mask: u64,
    slope: i32,
}

fn acts() -> impl Strategy<Value = Act> {
    let slope = (0u32..=16).prop_flat_map(|bits| (0..=1u32 << bits).prop_map(move |n| Slope::new(n, bits).unwrap()));
    prop_oneof![
        Just(Act::None),
        Just(Act::Pointwise(Pointwise::Relu)),
        (1u32..8).prop_map(|max| Act::Pointwise(Pointwise::ClampedRelu { max })),
        slope.prop_map(|slope| Act::Pointwise(Pointwise::LeakyRelu { slope })),
        any::<i32>().prop_map(Act::PRelu),
    ]
}

/// Values of `bits` signed bits: also zero, the most negative one and its neighbours, and small ones.
fn values(bits: u32, taps: usize) -> impl Strategy<Value = Vec<i64>> {
    let (least, most) = (-1i64 << (bits - 1), i64::MAX >> (64 - bits));
    let value = prop_oneof![
        2 => least..=most,
        2 => (-1i64 << (bits / 3))..1 << (bits / 3),
        1 => prop::sample::select(vec![least, least + 1, -1, 0, 1, most - 1, most]),
    ];
    prop::collection::vec(value, taps)
}

fn check(act: Act, format: FixedPoint, shares: Shares, shift: u32, case: Case) {
    let slope = match act {
        Act::PRelu(slope) => slope << (32 - format.weight_bits) >> (32 - format.weight_bits),
        _ => 0,
    };
    let act = if matches!(act, Act::PRelu(_)) { Act::PRelu(slope) } else { act };
    let case = Case { slope, ..case };
    let nonlinear = NonLinear { activation: activation(act, format), taps: case.values.len() };
    let expected = reference(act, format, shift, &case.values);
    for garbler in GARBLERS {
        let circuit = nonlinear.circuit(garbler, shares, shift);
        let found = run(nonlinear, &circuit, garbler, shares, shift, &case);
        assert_eq!(found, expected, "{act:?} of {:?} >> {shift}, {garbler:?} garbles", case.values);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn ring_circuits_equal_the_integer_reference_for_any_value_share_and_mask(
        act in acts(), (ring_bits, values) in (8u32..=64, 1usize..10).prop_flat_map(|(k, t)| (Just(k), values(k, t))),
        shift in 0u32..20, fraction_bits in 1u32..9, weight_bits in 2u32..=16,
        shares in prop::collection::vec(any::<u64>(), 9), mask: u64,
    ) {
        let (fraction_bits, weight_bits) = (fraction_bits.min(ring_bits - 5), weight_bits.min(ring_bits));
        let format = FixedPoint { ring_bits, fraction_bits, weight_bits, relu_max: None };
        let shares = shares[..values.len()].to_vec();
        let case = Case { values, shares, mask, slope: 0 };
        check(act, format, Shares::Ring { bits: ring_bits }, shift.min(ring_bits - 1), case);
    }

    #[test]
    fn field_circuits_equal_the_integer_reference_for_every_value_that_the_field_holds(
        act in acts(), values in (1usize..10).prop_flat_map(|taps| values(40, taps)), shift in 0u32..20,
        fraction_bits in 1u32..9, weight_bits in 2u32..=16, shares in prop::collection::vec(any::<u64>(), 9), mask: u64,
    ) {
        let format = FixedPoint { ring_bits: 40, fraction_bits, weight_bits, relu_max: None };
        let shares = shares[..values.len()].to_vec();
        let case = Case { values, shares, mask, slope: 0 };
        check(act, format, Shares::Prime { modulus: DELPHI_PRIME }, shift, case);
    }
}

#[test]
fn circuits_of_eight_bits_are_right_for_every_value_and_every_slope_of_four_bits() {
    let shares = Shares::Ring { bits: 8 };
    let format = FixedPoint { ring_bits: 8, fraction_bits: 2, weight_bits: 4, relu_max: None };
    for value in -128..128i64 {
        for shift in [0, 3, 7] {
            let case = |slope| Case { values: vec![value], shares: vec![(value * 37) as u64], mask: 91, slope };
            for slope in -8..8 {
                check(Act::PRelu(slope), format, shares, shift, case(slope));
            }
            for numerator in 0..=16 {
                let slope = Slope::new(numerator, 4).unwrap();
                check(Act::Pointwise(Pointwise::LeakyRelu { slope }), format, shares, shift, case(0));
            }
        }
    }
}

fn ands(activation: Activation, taps: usize, k: u32, shift: u32) -> u64 {
    let count = |garbler| NonLinear { activation, taps }.circuit(garbler, Shares::Ring { bits: k }, shift).and_gates();
    assert_eq!(count(Party::Server), count(Party::Client));
    count(Party::Server)
}

#[test]
fn ring_circuits_have_the_and_gates_of_the_formulas() {
    for (k, s) in [(32, 8), (32, 0), (64, 8), (41, 12), (20, 4)] {
        let (ring, left) = (u64::from(k), u64::from(k - s));
        for taps in [1, 2, 4, 9, 49] {
            let t = taps as u64;
            let window = t * (ring - 1) + (t - 1) * 2 * left + (ring - 1);
            assert_eq!(ands(Activation::Rescale, taps, k, s), window, "t = {t}, k = {k}, s = {s}");
            assert_eq!(ands(Activation::Relu, taps, k, s), window + left - 1);
            let leaky = |numerator, bits| {
                let slope = Slope::new(numerator, bits).unwrap();
                ands(Activation::LeakyRelu { slope }, taps, k, s) - window
            };
            assert_eq!((leaky(0, 0), leaky(1, 0)), (left - 1, 0), "a ReLU, and nothing at all");
            for bits in [1, 3, 7, 16] {
                assert_eq!(leaky(1, bits), left - 1, "slope 2^-{bits}");
            }
            assert_eq!([leaky(5, 4), leaky(9, 4), leaky(65, 12)], [2 * (left - 1); 3], "two digits");
            for (numerator, bits, digits) in [(3u64, 8u64, 2), (7, 8, 2), (41, 12, 3), (21, 5, 3), (0x5555, 16, 8)] {
                let found = leaky(numerator as u32, bits as u32);
                let most = (digits - 1) * (left + bits) + left - 1;
                assert!(found <= most && found >= digits * (left - 1), "{numerator}/2^{bits}: {found}, {most}");
            }
        }
        for (w, f) in [(11, 8), (8, 8), (2, 1), (12, 4), (4, 8)] {
            let found = ands(Activation::PRelu { slope_bits: w, fraction_bits: f }, 1, k, s);
            let (w, f) = (u64::from(w), u64::from(f));
            let result = left.max((left + w).saturating_sub(f));
            let formula = 2 * (ring - 1) + w * (left - 1) + (w - 1) * left - 1 + result;
            assert!(found == formula || result > ring && found < formula, "w = {w}, k = {k}, s = {s}: {found}");
        }
    }
    // What fusing saves: a 3x3 max pool of stride 2 behind a ReLU, per output value, which reads four new values.
    let fused = ands(Activation::Relu, 9, 32, 8);
    let apart = ands(Activation::Rescale, 9, 32, 0) + 4 * ands(Activation::Relu, 1, 32, 8);
    assert_eq!((fused, apart), (717, 822 + 340));
}

#[test]
fn slopes_are_inputs_and_never_gates() {
    let activation = Activation::PRelu { slope_bits: 11, fraction_bits: 8 };
    let nonlinear = NonLinear::from(activation);
    let [server, client] = GARBLERS.map(|garbler| nonlinear.inputs(garbler, 32));
    assert_eq!((server.garbler_online, server.evaluator, server.garbler_offline), (32, 32, 11 + 32));
    assert_eq!((client.garbler_online, client.evaluator, client.garbler_offline), (0, 32 + 11, 32 + 32));
    assert_eq!(GARBLERS.map(|garbler| nonlinear.server_bits(garbler, 32)), [32, 43]);
    let pool = NonLinear { activation: Activation::Relu, taps: 9 };
    let [server, client] = GARBLERS.map(|garbler| pool.inputs(garbler, 32));
    assert_eq!((server.garbler_online, server.evaluator, server.garbler_offline), (288, 288, 32));
    assert_eq!((client.garbler_online, client.evaluator, client.garbler_offline), (0, 288, 288 + 32));
}

#[test]
fn delphis_own_relu_keeps_its_288_and_gates_and_others_need_no_comparison_with_half_the_modulus() {
    let shares = Shares::Prime { modulus: DELPHI_PRIME };
    let ands = |activation, taps| NonLinear { activation, taps }.circuit(Party::Server, shares, 8).and_gates();
    assert_eq!(ands(Activation::ClampedRelu { most: 6 << 8 }, 1), 288);
    // Shares are added and reduced (41 + 41, and a selection of each bit that is left), 32 bits are compared and selected, and
    // the mask is added and reduced.
    let window = |taps: u64| taps * (41 + 41 + 32) + (taps - 1) * 2 * 32 + (41 + 83);
    assert_eq!(ands(Activation::Rescale, 4), window(4));
    assert_eq!(ands(Activation::Relu, 4), window(4) + 31);
    assert_eq!(ands(Activation::LeakyRelu { slope: Slope::new(1, 3).unwrap() }, 1), window(1) + 31);
}
