//! Linear layers on shares: convolutions of several shapes, additions. `cargo bench -p pisim-backend --bench ring`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pisim_backend::{Counter, ring};
use pisim_protocol::ConvShape;
use std::hint::black_box;

fn shape(in_channels: usize, size: usize, out_channels: usize, kernel: usize) -> ConvShape {
    let padding = kernel / 2;
    ConvShape { in_channels, in_height: size, in_width: size, out_channels, kernel, stride: 1, padding }
}

/// Large maps, the deep layers of a ResNet, a 1×1 convolution and a fully connected layer; in both widths of the ring.
fn convolutions(criterion: &mut Criterion) {
    let shapes = [
        shape(64, 32, 64, 3),
        shape(256, 8, 256, 3),
        shape(512, 4, 512, 3),
        shape(128, 16, 256, 1),
        shape(2048, 1, 100, 1),
    ];
    let counter = Counter::default();
    for bits in [32, 64] {
        let mut group = criterion.benchmark_group(format!("ring convolution, {bits} bits"));
        for shape in &shapes {
            let (weights, input) = (vec![-3; shape.out_channels * shape.taps()], vec![123_456_789; shape.inputs()]);
            let ConvShape { in_channels, in_height, out_channels, kernel, .. } = shape;
            let name = format!("{in_channels}x{in_height}x{in_height} to {out_channels}, {kernel}x{kernel}");
            group.throughput(Throughput::Elements(shape.macs()));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| black_box(ring::convolve(shape, &weights, &input, bits, &counter)));
            });
        }
        group.finish();
    }
}

fn additions(criterion: &mut Criterion) {
    const ELEMENTS: usize = 1 << 16;
    let (shares, masks, counter) = (vec![1; ELEMENTS], vec![2; ELEMENTS], Counter::default());
    let mut group = criterion.benchmark_group("ring additions");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    group.bench_function("65536 shares", |bencher| bencher.iter(|| black_box(ring::add(&shares, &masks, &counter))));
    group.finish();
}

criterion_group!(benches, convolutions, additions);
criterion_main!(benches);
