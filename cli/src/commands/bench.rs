//! `pisim bench`.

use crate::Outcome;
use crate::args::BenchArgs;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_backend::bench::{Rates, measure};

pub fn run(args: &BenchArgs, output: Output) -> Result<Outcome> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(args.threads)).build()?;
    let rates = pool.install(measure)?;
    output.print(&rates, || text(&rates))?;
    Ok(Outcome::Done)
}

fn text(rates: &Rates) -> String {
    let mut rows = vec![
        ["garble, per AND gate".to_owned(), format!("{:.2} ns", rates.garble_and_ns)],
        ["evaluate, per AND gate".to_owned(), format!("{:.2} ns", rates.evaluate_and_ns)],
        [
            "AES in wide batches, per block (the limit: 8 blocks garble a gate, 4 evaluate it)".to_owned(),
            format!("{:.2} ns", rates.aes_block_ns),
        ],
        ["oblivious transfer, both ends".to_owned(), format!("{:.2} ns", rates.extended_ot_ns)],
        ["ciphertext × plaintext, N = 4096, 109 bits".to_owned(), format!("{:.2} µs", rates.he_plain_mul_us)],
        ["multiply-accumulate in Z_2^32".to_owned(), format!("{:.3} ns", rates.ring_mac_ns)],
    ];
    for (degree, us) in &rates.ntt_us {
        rows.push([format!("transform of one limb, N = {degree}"), format!("{us:.2} µs")]);
    }
    let text = table(&["primitive", "measured"], &[1], rows);
    format!("{text}\n{} thread(s); rates are of the whole pool", rates.threads)
}
