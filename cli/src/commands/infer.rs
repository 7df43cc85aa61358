//! `pisim infer`: the half of a private inference that owns the input.

use crate::Outcome;
use crate::args::{InferArgs, NetworkOptions};
use crate::image::Picture;
use crate::output::{self, Output, table};
use crate::{npy, select};
use anyhow::{Context, Result, bail};
use pisim_backend::net::{Cancel, Inference, NetError, Remote};
use pisim_backend::store::Store;
use pisim_netgen::random_input;
use pisim_protocol::{Party, Phase, Program, Protocol, Step};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes by direction.
#[derive(Serialize)]
struct Bytes {
    up: u64,
    down: u64,
}

/// What `infer --json` prints.
#[derive(Serialize)]
struct Answer {
    network: String,
    protocol: String,
    server: String,
    model: String,
    tls: bool,
    input: String,
    class: usize,
    outputs: Vec<i64>,
    /// The precompute that was used up.
    precompute: Option<String>,
    /// Bytes of the program's messages, in the phases that ran.
    bytes: Bytes,
    /// What lowering predicted for them.
    predicted_bytes: Bytes,
    /// Bytes on the socket: the handshake and TLS besides.
    socket_bytes: Bytes,
    /// Measured by the client, waiting for the server included.
    wall_s: BTreeMap<String, f64>,
}

/// What `infer --offline --json` prints.
#[derive(Serialize)]
struct Prepared {
    network: String,
    protocol: String,
    server: String,
    store: String,
    /// The numbers of the new precomputes.
    precomputes: Vec<String>,
    /// Precomputes in the store now, the new ones included.
    stored: usize,
    seconds: f64,
}

pub fn run(args: &InferArgs, output: Output) -> Result<Outcome> {
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()?;
    }
    let options = NetworkOptions { input: args.input_size, other: args.other.clone() };
    let chosen = select::choose(&args.network, &options)?;
    let protocol = Protocol::load(&args.protocol)?;
    // Of a file with weights the client needs only what decides the program: its layers and their fraction bits.
    let program = chosen.prepare(&protocol, &args.protocol)?.program;
    let cancel = cancel_on_ctrl_c()?;
    match ask(args, &program, &cancel, output) {
        Err(error) if matches!(error.downcast_ref(), Some(NetError::Interrupted)) => {
            output::remark("interrupted");
            Ok(Outcome::Interrupted)
        }
        result => result.map(|()| Outcome::Done),
    }
}

fn ask(args: &InferArgs, program: &Arc<Program>, cancel: &Cancel, output: Output) -> Result<()> {
    let store = args.store.as_deref().map(|folder| Store::open(folder, Party::Client)).transpose()?;
    match (&args.input, &store) {
        (Some(source), store) => infer(args, program, cancel, source, store.as_ref(), output),
        (None, Some(store)) => prepare(args, program, cancel, store, output),
        (None, None) => bail!("neither an input nor a store is given"),
    }
}

/// One answer: of a whole inference, or of a precompute.
fn infer(
    args: &InferArgs,
    program: &Arc<Program>,
    cancel: &Cancel,
    source: &str,
    store: Option<&Store>,
    output: Output,
) -> Result<()> {
    let input = input(source, program)?;
    let start = Instant::now();
    let remote = connect(args, program, cancel)?;
    let (connected, model, tls) = (start.elapsed(), remote.model(), remote.encrypted());
    let phases: &[Phase] = if store.is_some() { &[Phase::Online] } else { &Phase::ALL };
    let mut precompute = None;
    let inference = with_progress(program, phases, "", |observer| match store {
        None => remote.infer(&input, observer),
        Some(store) => {
            let held = remote.choose(store)?;
            precompute = Some(held.label().id.to_string());
            remote.answer(held, &input, observer)
        }
    })?;
    let answer = Answer {
        server: args.connect.clone(),
        model: model.to_string(),
        tls,
        input: source.to_owned(),
        precompute,
        ..answer(program, phases, &inference, connected)
    };
    output.print(&answer, || text(&answer))
}

/// Precomputes for later, each a session of its own.
fn prepare(args: &InferArgs, program: &Arc<Program>, cancel: &Cancel, store: &Store, output: Output) -> Result<()> {
    let (start, mut precomputes) = (Instant::now(), Vec::new());
    for made in 1..=args.count {
        let remote = connect(args, program, cancel)?;
        let title = if args.count > 1 { format!(" {made}/{}", args.count) } else { String::new() };
        let phases = [Phase::Setup, Phase::Offline];
        let (id, _) = with_progress(program, &phases, &title, |observer| remote.prepare(store, observer))?;
        precomputes.push(id.to_string());
    }
    let made = Prepared {
        network: program.network.network.name.clone(),
        protocol: program.protocol.name.clone(),
        server: args.connect.clone(),
        store: store.folder().display().to_string(),
        seconds: start.elapsed().as_secs_f64(),
        stored: store.count()?,
        precomputes,
    };
    output.print(&made, || {
        let Prepared { precomputes, seconds, store, stored, .. } = &made;
        format!("{} made in {seconds:.2} s; {store} has {stored}", count(precomputes.len()))
    })
}

fn count(precomputes: usize) -> String {
    if precomputes == 1 { "1 precompute".to_owned() } else { format!("{precomputes} precomputes") }
}

/// Runs with a progress bar over the steps of some phases.
fn with_progress<T>(
    program: &Program,
    phases: &[Phase],
    title: &str,
    run: impl FnOnce(&mut dyn FnMut(&Step)) -> std::result::Result<T, NetError>,
) -> std::result::Result<T, NetError> {
    let steps = program.steps.iter().filter(|step| phases.contains(&step.phase)).count();
    let progress = output::progress(steps, &format!("{}{title}", program.network.network.name));
    let result = run(&mut |step: &Step| {
        progress.inc(1);
        progress.set_message(format!("{:?}", step.phase).to_lowercase());
    });
    progress.finish_and_clear();
    result
}

fn connect(args: &InferArgs, program: &Arc<Program>, cancel: &Cancel) -> Result<Remote> {
    let timeout = Duration::from_secs(args.timeout);
    Ok(Remote::connect(&args.connect, args.tls_fingerprint, program, timeout, cancel)?)
}

/// Values of `seed:N`, of an array or of a picture.
fn input(source: &str, program: &Program) -> Result<Vec<i64>> {
    let (shape, format) = (program.network.network.input, program.network.format);
    if let Some(seed) = source.strip_prefix("seed:") {
        let seed = seed.parse().with_context(|| format!("input `{source}`: expected seed:N with a whole number N"))?;
        return Ok(random_input(shape, format, seed));
    }
    let path = Path::new(source);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => npy::values(path, shape, format),
        _ => Picture::File(path.to_owned()).values(shape, format),
    }
}

fn answer(program: &Program, phases: &[Phase], inference: &Inference, connected: Duration) -> Answer {
    let predicted = program.work_of(|step| phases.contains(&step.phase));
    let wall = |phase| inference.trace.phase(program, phase).as_secs_f64();
    let mut wall_s: BTreeMap<String, f64> =
        phases.iter().map(|phase| (format!("{phase:?}").to_lowercase(), wall(*phase))).collect();
    wall_s.insert("connect".to_owned(), connected.as_secs_f64());
    let class = inference.outputs.iter().enumerate().max_by_key(|(_, logit)| **logit).map_or(0, |(class, _)| class);
    let bytes = |[up, down]: [u64; 2]| Bytes { up, down };
    Answer {
        network: program.network.network.name.clone(),
        protocol: program.protocol.name.clone(),
        server: String::new(),
        model: String::new(),
        tls: false,
        input: String::new(),
        precompute: None,
        class,
        outputs: inference.outputs.clone(),
        bytes: bytes(inference.program_bytes),
        predicted_bytes: bytes([predicted.bytes_up, predicted.bytes_down]),
        socket_bytes: bytes(inference.socket_bytes),
        wall_s,
    }
}

fn text(answer: &Answer) -> String {
    let row = |name: &str, bytes: &Bytes| [name.to_owned(), bytes.up.to_string(), bytes.down.to_string()];
    let rows = [
        row("the protocol's messages", &answer.bytes),
        row("as predicted", &answer.predicted_bytes),
        row("on the socket", &answer.socket_bytes),
    ];
    let bytes = table(&["bytes", "up", "down"], &[1, 2], rows);
    let seconds = |phase: &str| answer.wall_s.get(phase).copied().unwrap_or_default();
    format!(
        "{} is class {}\n{} under {}, {}: setup {:.2} s, offline {:.2} s, online {:.2} s\n{bytes}",
        answer.input,
        answer.class,
        answer.network,
        answer.protocol,
        if answer.tls { "over TLS" } else { "without TLS" },
        seconds("setup"),
        seconds("offline"),
        seconds("online")
    )
}

/// The first Ctrl-C ends the connection, so that everything is cleaned up; the second ends the process.
fn cancel_on_ctrl_c() -> Result<Cancel> {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    let handler = move || {
        if asked.is_cancelled() {
            std::process::exit(130);
        }
        asked.cancel();
    };
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}
