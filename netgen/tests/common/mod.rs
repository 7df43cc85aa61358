//! Random small networks and a direct, loop-by-loop interpreter of them.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pisim_netgen::{Cell, Conv, FixedNetwork, LayerId, Network, NetworkBuilder, Op, Pointwise, Shape, Slope, Weights};
use proptest::prelude::*;

/// One random decision per layer: which operation, and its parameters.
type Choice = (u8, usize, bool, bool, bool, bool);

/// Networks of up to ten layers in two stages, with every operation, residual additions and shapes down to 1x1x1.
pub fn networks() -> impl Strategy<Value = Network> {
    let shape = (1..=3usize, 1..=6usize, 1..=6usize);
    let choice = (0..15u8, 1..=4usize, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (shape, prop::collection::vec(choice, 1..10))
        .prop_map(|((channels, height, width), choices)| build(Shape::new(channels, height, width), &choices))
}

fn build(input: Shape, choices: &[Choice]) -> Network {
    let mut net = NetworkBuilder::new("random", input).unwrap();
    let mut x = net.input();
    for (index, &(kind, size, a, b, norm, bias)) in choices.iter().enumerate() {
        net.stage(if index < choices.len() / 2 { "s1" } else { "s2" });
        let shape = net.shape(x);
        let name = |op: &str| format!("l{index}.{op}");
        let conv =
            |out_channels, kernel, stride| Conv { out_channels, kernel, stride, padding: kernel / 2, norm, bias };
        let fits = shape.height.min(shape.width) >= 2;
        x = match kind {
            0 | 1 => {
                let mut conv = conv(size, if a { 3 } else { 1 }, if b { 2 } else { 1 });
                // Padding 0 where a 3x3 kernel fits without.
                if norm && shape.height.min(shape.width) >= 3 {
                    conv.padding = 0;
                }
                net.add(name("conv"), Op::Conv(conv), &[x]).unwrap()
            }
            2 | 3 => net.add(name("relu"), Op::Relu, &[x]).unwrap(),
            4 if fits => {
                let kernel = if a && shape.height.min(shape.width) >= 3 { 3 } else { 2 };
                net.add(name("pool"), Op::AvgPool { kernel, stride: if b { 1 } else { 2 } }, &[x]).unwrap()
            }
            5 => {
                let branch = net.add(name("branch"), Op::Conv(conv(shape.channels, 3, 1)), &[x]).unwrap();
                let branch = if a { net.add(name("branch.relu"), Op::Relu, &[branch]).unwrap() } else { branch };
                let inputs = if b { [branch, x] } else { [x, branch] };
                net.add(name("add"), Op::Add, &inputs).unwrap()
            }
            6 => net.add(name("norm"), Op::ChannelBias { norm }, &[x]).unwrap(),
            13 if shape.channels >= 2 => {
                let groups = if shape.channels == 4 && a { 2 } else { 1 };
                let group = shape.channels / groups;
                let start = if b { group - 1 } else { 0 };
                let channels = if norm || b { 1 } else { group };
                net.add(name("slice"), Op::Slice { groups, start, channels }, &[x]).unwrap()
            }
            14 => {
                let branch = net.add(name("branch"), Op::Conv(conv(2 * shape.channels, 1, 1)), &[x]).unwrap();
                let branch = if a { net.add(name("branch.relu"), Op::Relu, &[branch]).unwrap() } else { branch };
                let groups = if b { shape.channels } else { 1 };
                let inputs = if norm { vec![x, branch] } else { vec![branch, x, x] };
                net.add(name("concat"), Op::Concat { groups, inputs: inputs.len() }, &inputs).unwrap()
            }
            7 if b => net.add(name("gap"), Op::GlobalAvgPool, &[x]).unwrap(),
            8 => net.add(name("clamped"), Op::ClampedRelu { max: size as u32 }, &[x]).unwrap(),
            9 => {
                let slope = Slope::new(if a { 13 } else { 1 }, if b { 7 } else { 4 }).unwrap();
                net.add(name("leaky"), Op::LeakyRelu { slope }, &[x]).unwrap()
            }
            10 => net.add(name("prelu"), Op::PRelu, &[x]).unwrap(),
            11 | 12 => {
                let kernel = if a { 3 } else { 2 }.min(shape.height.min(shape.width) + if norm { 1 } else { 0 });
                let (stride, padding) = (if b { 1 } else { 2 }, if norm { kernel / 2 } else { 0 });
                net.add(name("max"), Op::MaxPool { kernel, stride, padding }, &[x]).unwrap()
            }
            _ => net.add(name("fc"), Op::Linear { out_features: size }, &[x]).unwrap(),
        };
    }
    net.finish().unwrap()
}

/// The answer by the definition of each operation, with its own loops; also the MACs and ReLUs that it came across.
pub struct Direct {
    pub layers: Vec<Vec<i64>>,
    pub macs: u64,
    pub relus: u64,
    pub comparisons: u64,
    /// Whether an exact value left the ring, by layer.
    pub left_ring: Vec<bool>,
}

pub fn direct(net: &FixedNetwork, weights: &Weights, input: &[i64]) -> Direct {
    let network = &net.network;
    let mut result = Direct { layers: Vec::new(), macs: 0, relus: 0, comparisons: 0, left_ring: Vec::new() };
    let (bits, f) = (net.format.ring_bits, net.format.fraction_bits);
    for (id, layer) in network.iter() {
        let from = network.input_shape(id);
        let source = |index: usize| result.layers[layer.inputs[index].0].clone();
        let own = weights.0[id.0].clone().unwrap_or_default();
        let fraction = |id: LayerId| net.fraction[id.0];
        let mut exact: Vec<i128> = Vec::new();
        match layer.op {
            Op::Input => exact = input.iter().map(|&v| v.into()).collect(),
            Op::ClampedRelu { .. } | Op::LeakyRelu { .. } | Op::PRelu => {
                let shift = fraction(layer.inputs[0]) - fraction(id);
                for (i, v) in source(0).into_iter().enumerate() {
                    result.relus += 1;
                    let slope = own.weights.get(i / from.pixels()).copied();
                    // A slope has the weights' fraction bits, a largest result the output's.
                    let bits = if layer.op == Op::PRelu { f } else { fraction(id) };
                    exact.push(activate(layer.op, i128::from(v).div_euclid(1 << shift), bits, slope));
                }
            }
            Op::MaxPool { kernel, stride, padding } | Op::MaxPoolThen { kernel, stride, padding, .. } => {
                let shift = fraction(layer.inputs[0]) - f;
                let x = source(0);
                for c in 0..from.channels {
                    for oy in 0..layer.output.height {
                        for ox in 0..layer.output.width {
                            let mut largest: Option<i128> = None;
                            let mut values = 0;
                            for y in
                                (oy * stride) as i64 - padding as i64..(oy * stride + kernel) as i64 - padding as i64
                            {
                                for xx in (ox * stride) as i64 - padding as i64
                                    ..(ox * stride + kernel) as i64 - padding as i64
                                {
                                    values += 1;
                                    if y < 0 || xx < 0 || y >= from.height as i64 || xx >= from.width as i64 {
                                        continue;
                                    }
                                    let at = (c * from.height + y as usize) * from.width + xx as usize;
                                    let v = i128::from(x[at]).div_euclid(1 << shift);
                                    largest = Some(largest.map_or(v, |l| l.max(v)));
                                }
                            }
                            result.comparisons += values - 1;
                            let mut v = largest.unwrap();
                            if let Op::MaxPoolThen { then, .. } = layer.op {
                                result.relus += 1;
                                v = activate(then.op(), v, f, None);
                            }
                            exact.push(v);
                        }
                    }
                }
            }
            Op::Relu => {
                let shift = fraction(layer.inputs[0]) - fraction(id);
                for v in source(0) {
                    result.relus += 1;
                    exact.push(if v < 0 { 0 } else { i128::from(v).div_euclid(1 << shift) });
                }
            }
            Op::Rescale => {
                let shift = fraction(layer.inputs[0]) - fraction(id);
                exact = source(0).iter().map(|&v| i128::from(v).div_euclid(1 << shift)).collect();
            }
            Op::Select { cell } => {
                let cells = layer.mask.as_ref().unwrap().cells();
                let chosen = source(0).into_iter().zip(cells).filter(|(_, other)| **other == cell);
                exact = chosen.map(|(v, _)| v.into()).collect();
            }
            Op::Merge { .. } => {
                let mask = layer.mask.as_ref().unwrap();
                let mut sources: Vec<_> = (0..layer.inputs.len()).map(|i| source(i).into_iter()).collect();
                let linear = usize::from(mask.count(Cell::Kept) > 0);
                for cell in mask.cells() {
                    exact.push(match cell {
                        Cell::Kept => sources[0].next().unwrap().into(),
                        Cell::Linear => sources[linear].next().unwrap().into(),
                        Cell::Zero => 0,
                    });
                }
                assert!(sources.iter_mut().all(|source| source.next().is_none()));
            }
            Op::Linear { out_features } => {
                let x = source(0);
                for o in 0..out_features {
                    let mut sum = i128::from(own.bias[o]);
                    for (i, &v) in x.iter().enumerate() {
                        sum += i128::from(own.weights[o * x.len() + i]) * i128::from(v);
                        result.macs += 1;
                    }
                    exact.push(sum);
                }
            }
            Op::Conv(conv) => {
                let x = source(0);
                let k = conv.kernel;
                for o in 0..conv.out_channels {
                    for oy in 0..layer.output.height {
                        for ox in 0..layer.output.width {
                            let place = (o * layer.output.height + oy) * layer.output.width + ox;
                            if layer.mask.as_ref().is_some_and(|mask| mask.cells()[place] != Cell::Kept) {
                                exact.push(0);
                                continue;
                            }
                            let mut sum = i128::from(own.bias[o]);
                            for i in 0..from.channels {
                                for ky in 0..k {
                                    for kx in 0..k {
                                        result.macs += 1;
                                        let y = (oy * conv.stride + ky) as i64 - conv.padding as i64;
                                        let xx = (ox * conv.stride + kx) as i64 - conv.padding as i64;
                                        if y < 0 || xx < 0 || y >= from.height as i64 || xx >= from.width as i64 {
                                            continue;
                                        }
                                        let at = (i * from.height + y as usize) * from.width + xx as usize;
                                        let w = own.weights[((o * from.channels + i) * k + ky) * k + kx];
                                        sum += i128::from(w) * i128::from(x[at]);
                                    }
                                }
                            }
                            exact.push(sum);
                        }
                    }
                }
            }
            Op::Add => {
                let top = fraction(layer.inputs[0]).max(fraction(layer.inputs[1]));
                let scaled = |i: usize, v: i64| i128::from(v) * (1i128 << (top - fraction(layer.inputs[i])));
                exact = source(0).iter().zip(source(1)).map(|(&a, b)| scaled(0, a) + scaled(1, b)).collect();
            }
            Op::Slice { groups, start, channels } => {
                let (x, group) = (source(0), from.channels / groups);
                for g in 0..groups {
                    for c in g * group + start..g * group + start + channels {
                        exact.extend(x[c * from.pixels()..(c + 1) * from.pixels()].iter().map(|&v| i128::from(v)));
                    }
                }
            }
            Op::Concat { groups, inputs } => {
                let top = layer.inputs.iter().map(|&id| fraction(id)).max().unwrap();
                for g in 0..groups {
                    for i in 0..inputs {
                        let (x, scale) = (source(i), 1i128 << (top - fraction(layer.inputs[i])));
                        let group = x.len() / groups;
                        exact.extend(x[g * group..(g + 1) * group].iter().map(|&v| i128::from(v) * scale));
                    }
                }
            }
            Op::ChannelBias { .. } => {
                for (i, v) in source(0).iter().enumerate() {
                    exact.push(i128::from(*v) + i128::from(own.bias[i / from.pixels()]));
                }
            }
            Op::AvgPool { .. } | Op::GlobalAvgPool => {
                let (kh, kw, stride) = match layer.op {
                    Op::AvgPool { kernel, stride } => (kernel, kernel, stride),
                    _ => (from.height, from.width, 1),
                };
                let n = (kh * kw) as f64;
                let power_of_two = (kh * kw).is_power_of_two();
                let factor = if power_of_two { 1 } else { (f64::from(1u32 << f) / n).round() as i128 };
                for c in 0..from.channels {
                    for oy in 0..layer.output.height {
                        for ox in 0..layer.output.width {
                            let mut sum = 0;
                            for y in oy * stride..oy * stride + kh {
                                for x in ox * stride..ox * stride + kw {
                                    sum += i128::from(source(0)[(c * from.height + y) * from.width + x]);
                                }
                            }
                            exact.push(sum * factor);
                        }
                    }
                }
            }
        }
        let modulus = 1i128 << bits;
        let wrap = |v: i128| {
            let v = v.rem_euclid(modulus);
            (if v >= modulus / 2 { v - modulus } else { v }) as i64
        };
        result.left_ring.push(exact.iter().any(|&v| i128::from(wrap(v)) != v));
        result.layers.push(exact.into_iter().map(wrap).collect());
    }
    result
}

/// An activation of a value with `f` fraction bits, by its definition in rational numbers, floored.
fn activate(op: Op, value: i128, f: u32, slope: Option<i32>) -> i128 {
    match op {
        Op::Relu => value.max(0),
        Op::ClampedRelu { max } => value.max(0).min(i128::from(max) * (1 << f)),
        _ if value >= 0 => value,
        Op::LeakyRelu { slope } => (value * i128::from(slope.numerator())).div_euclid(1 << slope.bits()),
        _ => (value * i128::from(slope.unwrap())).div_euclid(1 << f),
    }
}

/// Whether an activation never falls, so that a max pool may take it in.
pub fn is_fusible(op: Op) -> bool {
    matches!(op.pointwise(), Some(Pointwise::Relu | Pointwise::ClampedRelu { .. } | Pointwise::LeakyRelu { .. }))
}
