//! `pisim serve`: the half of a private inference that owns the weights.

use super::verify::MAX_WEIGHTS;
use crate::Outcome;
use crate::args::ServeArgs;
use crate::output::{Output, remark};
use crate::select;
use anyhow::{Context, Result, bail};
use pisim_backend::net::tls::ServerTls;
use pisim_backend::net::{Event, Host, Offer, Served, Stop, serve};
use pisim_backend::store::Store;
use pisim_protocol::{Party, Protocol};
use serde::Serialize;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is printed once the server listens.
#[derive(Serialize)]
struct Listening {
    listening: String,
    network: String,
    protocol: String,
    model: String,
    tls_fingerprint: Option<String>,
    precomputes: String,
}

pub fn run(args: &ServeArgs, output: Output) -> Result<Outcome> {
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()?;
    }
    let chosen = select::choose(&args.network, &args.options)?;
    let network = &chosen.network;
    let protocol = Protocol::load(&args.protocol)?;
    let ready = chosen.prepare(&protocol, &args.protocol)?;
    if network.params() > MAX_WEIGHTS {
        bail!("{} has {} parameters; a real run takes at most {MAX_WEIGHTS}", network.name, network.params());
    }
    let tls = tls(args)?;
    let fingerprint = tls.as_ref().map(|tls| tls.fingerprint().to_string());
    // An address that is taken is found out before the weights are made.
    let listener = TcpListener::bind(&args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let weights = ready.weights(args.seed);
    let store = args.store.as_deref().map(|folder| Store::open(folder, Party::Server)).transpose()?;
    let host = Arc::new(Host::new(Offer {
        program: ready.program,
        weights,
        tls,
        store,
        max_stored: args.max_stored,
        timeout: Duration::from_secs(args.timeout),
        max_clients: usize::from(args.max_clients),
    })?);
    let listening = Listening {
        listening: listener.local_addr()?.to_string(),
        network: network.name.clone(),
        protocol: protocol.name,
        model: host.model().to_string(),
        tls_fingerprint: fingerprint,
        precomputes: match &args.store {
            Some(folder) => format!("in {}", folder.display()),
            None => "in memory, until this server ends".to_owned(),
        },
    };
    output.print(&listening, || text(&listening))?;
    let limit = args.clients.map(|clients| usize::try_from(clients).unwrap_or(usize::MAX));
    let mut handler = Ok(());
    serve(&host, listener, limit, |stop| handler = stop_on_ctrl_c(stop), &mut log)?;
    handler?;
    Ok(Outcome::Done)
}

fn tls(args: &ServeArgs) -> Result<Option<ServerTls>> {
    Ok(match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(ServerTls::from_files(certificate, key)?),
        _ if args.tls => Some(ServerTls::self_signed()?),
        _ => None,
    })
}

fn text(listening: &Listening) -> String {
    let tls = match &listening.tls_fingerprint {
        Some(fingerprint) => format!("\nTLS certificate: --tls-fingerprint {fingerprint}"),
        None => String::new(),
    };
    let Listening { listening, network, protocol, precomputes, .. } = listening;
    format!("{network} under {protocol} at {listening}\nprecomputes are kept {precomputes}{tls}")
}

/// The first Ctrl-C (or SIGTERM) lets clients finish, the second does not.
fn stop_on_ctrl_c(stop: Stop) -> Result<()> {
    let asked = AtomicBool::new(false);
    let handler = move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        stop.stop();
    };
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")
}

fn log(event: &Event<'_>) {
    match event {
        Event::Arrived { peer } => tracing::info!(%peer, "a client arrived"),
        Event::Served { peer, what, elapsed } => {
            let what = match what {
                Served::Answer => "answered",
                Served::Precompute => "prepared",
            };
            remark(&format!("client {peer}: {what} in {:.2} s", elapsed.as_secs_f64()));
        }
        Event::Failed { peer, error } => remark(&format!("client {peer}: {error}")),
        Event::Stopping { clients: 0 } => remark("stopping"),
        Event::Stopping { clients } => remark(&format!("stopping when {clients} clients are done; again to stop now")),
    }
}
