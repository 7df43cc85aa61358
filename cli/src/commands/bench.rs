//! `pisim bench`.

use crate::Outcome;
use crate::args::BenchArgs;
use crate::output::{self, Output, table};
use anyhow::Result;
use pisim_backend::bench::{EVALUATE_BLOCKS, GARBLE_BLOCKS, Rates, TRANSFER_BLOCKS, measure};

pub fn run(args: &BenchArgs, output: Output) -> Result<Outcome> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(args.threads)).build()?;
    let bar = output::progress(1, "measuring");
    bar.tick();
    let rates = pool.install(measure);
    bar.finish_and_clear();
    let rates = rates?;
    output.print(&rates, || text(&rates))?;
    Ok(Outcome::Done)
}

/// Every rate next to what bounds it, and how many times the bound it takes.
fn text(rates: &Rates) -> String {
    let block = rates.aes_block_ns;
    // A gate's table is two labels; it is written once when garbled and read once when evaluated.
    let stream = |gb_per_s: f64| 32.0 / gb_per_s;
    let limited = |name: &str, measured: f64, limit: f64, what: String| {
        let ratio = format!("{:.2}", measured / limit);
        [name.to_owned(), format!("{measured:.2} ns"), format!("{limit:.2} ns: {what}"), ratio]
    };
    let blocks = |count: f64| format!("{count} AES blocks");
    let (garble, evaluate) = (GARBLE_BLOCKS * block, EVALUATE_BLOCKS * block);
    let (write, read) = (stream(rates.memory_write_gb_per_s), stream(rates.memory_read_gb_per_s));
    let streaming = |name, measured, aes: f64, memory: f64| {
        limited(name, measured, aes.max(memory), if aes > memory { "AES" } else { "32 bytes of memory" }.to_owned())
    };
    let mut rows = vec![
        limited("garble, per AND gate, in cache", rates.garble_and_ns, garble, blocks(GARBLE_BLOCKS)),
        limited("evaluate, per AND gate, in cache", rates.evaluate_and_ns, evaluate, blocks(EVALUATE_BLOCKS)),
        streaming("garble, tables to memory", rates.garble_and_streaming_ns, garble, write),
        streaming("evaluate, tables from memory", rates.evaluate_and_streaming_ns, evaluate, read),
        limited(
            "oblivious transfer, both ends",
            rates.extended_ot_ns,
            TRANSFER_BLOCKS * block,
            blocks(TRANSFER_BLOCKS),
        ),
        limited(
            "multiply-accumulate in Z_2^32",
            rates.ring_mac_ns,
            rates.register_mac_ns,
            "the same on registers".to_owned(),
        ),
    ];
    let bare = |name: String, measured: String| [name, measured, "–".to_owned(), "–".to_owned()];
    rows.push(bare(
        "ciphertext × plaintext, N = 4096, 109 bits".to_owned(),
        format!("{:.2} µs", rates.he_plain_mul_us),
    ));
    for (degree, us) in &rates.ntt_us {
        rows.push(bare(format!("transform of one limb, N = {degree}"), format!("{us:.2} µs")));
    }
    rows.push(bare("AES in wide batches, per block".to_owned(), format!("{block:.3} ns")));
    rows.push(bare("AES blocks per second".to_owned(), format!("{:.2} G", rates.aes_blocks_per_s / 1e9)));
    for (name, rate) in [
        ("memory, reading", rates.memory_read_gb_per_s),
        ("memory, writing", rates.memory_write_gb_per_s),
        ("memory, copying (read + written)", rates.memory_copy_gb_per_s),
    ] {
        rows.push(bare(name.to_owned(), format!("{rate:.1} GB/s")));
    }
    let text = table(&["primitive", "measured", "limit", "ratio"], &[1, 3], rows);
    format!(
        "{text}\n{} thread(s) at {:.2} GHz; rates are of the whole pool (transforms and ciphertexts of one thread), each the fastest of many samples",
        rates.threads, rates.clock_ghz
    )
}
