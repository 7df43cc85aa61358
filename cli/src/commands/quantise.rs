//! `pisim net quantise`: what fixed point makes of a network under a protocol, layer by layer.

use crate::Outcome;
use crate::args::QuantiseArgs;
use crate::output::{Output, table};
use crate::select;
use crate::trained::{self, MARGIN_BITS};
use anyhow::{Result, ensure};
use pisim_netgen::onnx::ReadOptions;
use pisim_netgen::quantise::{Headroom, LayerReport, QuantisationReport, Range, Samples, quantise, random_samples};
use pisim_netgen::{Model, NetworkError};
use pisim_protocol::Protocol;

/// Random inputs where no samples are given.
const RANDOM_SAMPLES: usize = 64;

pub fn run(args: &QuantiseArgs, output: Output) -> Result<Outcome> {
    let model = model(args)?;
    let protocol = Protocol::load(&args.protocol)?;
    let mut samples = match &args.samples {
        Some(path) => trained::samples(&path.display().to_string(), &model)?,
        None => random_samples(model.network.input, RANDOM_SAMPLES, args.seed),
    };
    if let Some(range) = args.input_range {
        let seen = Range::of(samples.inputs.iter().flatten());
        ensure!(
            range.low <= seen.low && seen.high <= range.high,
            "the samples have values from {} to {}, beyond the input range {}:{}",
            seen.low,
            seen.high,
            range.low,
            range.high
        );
        samples.range = Range { low: range.low, high: range.high };
    }
    let report = report(args, &model, &protocol, &samples)?;
    let random = args.samples.is_none();
    output.print(&report, || text(&report, random))?;
    Ok(if report.proven { Outcome::Done } else { Outcome::CheckFailed })
}

fn model(args: &QuantiseArgs) -> Result<Model> {
    if !trained::has_weights(&args.network) {
        return Ok(Model::random(select::network(&args.network, &args.options)?, args.seed));
    }
    trained::load(&args.network, ReadOptions { input_size: args.options.input })
}

/// The plan with the proof; where there is none, or it is not asked for, the one by samples.
fn report(args: &QuantiseArgs, model: &Model, protocol: &Protocol, samples: &Samples) -> Result<QuantisationReport> {
    let plan = |headroom| quantise(model, protocol.format, samples, headroom);
    let calibrated = match args.margin_bits {
        Some(margin_bits) => plan(Headroom::Sampled { margin_bits }),
        None => match plan(Headroom::Proven) {
            Err(error @ NetworkError::RingTooSmall { .. }) => {
                crate::output::remark(&format!("warning: {error}"));
                plan(Headroom::Sampled { margin_bits: MARGIN_BITS })
            }
            other => other,
        },
    };
    let refused = |error: NetworkError| select::refusal(error.into(), &model.network, &args.protocol);
    Ok(calibrated.map_err(refused)?.report(model, samples)?)
}

fn text(report: &QuantisationReport, random: bool) -> String {
    let header = [
        "layer",
        "kind",
        "weights",
        "fraction",
        "shift",
        "gave up",
        "samples",
        "cannot leave",
        "bits",
        "spare",
        "mean error",
        "largest",
    ];
    let table = table(&header, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], report.layers.iter().map(row));
    let QuantisationReport { network, ring_bits, weight_bits, input_fraction_bits: f, needed_bits, .. } = report;
    let verdict = if report.proven {
        format!(
            "proven: no input from {} to {} makes a value leave the ring ({needed_bits} of {ring_bits} bits)",
            report.input.low, report.input.high
        )
    } else {
        format!(
            "NOT PROVEN: bounds for all inputs from {} to {} need {needed_bits} bits, the ring has {ring_bits}; headroom is by \
             samples",
            report.input.low, report.input.high
        )
    };
    let full = match report.full_precision_bits {
        bits if bits <= *ring_bits => "no layer gave up precision for the ring".to_owned(),
        bits => format!("with ring_bits = {bits} no layer would have to give up precision"),
    };
    let kind = if random { "random samples" } else { "samples" };
    format!(
        "{network} in a ring of {ring_bits} bits, weights of {weight_bits}, input with {f} fraction bits\n{table}\n{verdict}\n\
         {full}\ntop-1: fixed point agrees with floating point on {} of {} {kind}; {} left the ring",
        report.top1_agreement, report.samples, report.overflowing_samples
    )
}

fn row(layer: &LayerReport) -> [String; 12] {
    let some = |bits: u32| if bits == 0 { "–".to_owned() } else { bits.to_string() };
    let range = |range: Range| format!("{:.3} … {:.3}", range.low, range.high);
    [
        layer.name.clone(),
        layer.kind.to_owned(),
        layer.weight_fraction_bits.map_or("–".to_owned(), |bits| bits.to_string()),
        layer.fraction_bits.to_string(),
        some(layer.shift),
        some(layer.given_up_bits),
        range(layer.sampled),
        range(layer.proven),
        layer.needed_bits.to_string(),
        layer.spare_bits.to_string(),
        format!("{:.1e}", layer.mean_error),
        format!("{:.1e}", layer.max_error),
    ]
}
