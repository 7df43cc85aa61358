//! The server process: accepts clients, serves each in a thread of its own, and stops when asked to.

use super::agreement::{Agreement, ModelId};
use super::shelf::Shelf;
use super::tls::ServerTls;
use super::visit::{self, Served};
use super::{NetError, Result};
use crate::he::PreparedWeights;
use crate::store::Store;
use pisim_netgen::Weights;
use pisim_protocol::Program;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Clients beyond the limit that are told so at the same time; what comes on top is closed without a word.
const MAX_TURNED_AWAY: usize = 32;

/// What a server offers and how it treats its clients.
pub struct Host {
    pub(super) program: Arc<Program>,
    pub(super) weights: Arc<Weights>,
    /// Transformed once, for all clients.
    pub(super) prepared_weights: Arc<PreparedWeights>,
    pub(super) agreement: Agreement,
    pub(super) model: ModelId,
    pub(super) tls: Option<ServerTls>,
    pub(super) timeout: Duration,
    pub(super) shelf: Shelf,
    max_clients: usize,
}

/// What a server is made of.
pub struct Offer {
    /// The program that clients must name too.
    pub program: Arc<Program>,
    /// The weights of its network.
    pub weights: Arc<Weights>,
    /// TLS, if wanted.
    pub tls: Option<ServerTls>,
    /// Where precomputes are kept; in memory without.
    pub store: Option<Store>,
    /// Precomputes kept at most.
    pub max_stored: usize,
    /// The longest wait for a client that sends or takes nothing.
    pub timeout: Duration,
    /// Clients served at the same time, at least one.
    pub max_clients: usize,
}

/// What happens at a server, for its log.
#[derive(Debug)]
pub enum Event<'a> {
    /// A client is served.
    Arrived {
        /// Its address.
        peer: SocketAddr,
    },
    /// A client got what it asked for.
    Served {
        /// Its address.
        peer: SocketAddr,
        /// What it got.
        what: Served,
        /// From its arrival.
        elapsed: Duration,
    },
    /// A client did not get it; nobody else is affected.
    Failed {
        /// Its address.
        peer: SocketAddr,
        /// Why.
        error: &'a NetError,
    },
    /// No more clients are accepted; so many are still served.
    Stopping {
        /// Clients at work.
        clients: usize,
    },
}

/// Asks a running [`serve`] to stop: no new clients, and an end when the present ones are done.
#[derive(Clone)]
pub struct Stop(Sender<Message>);

impl Stop {
    /// Asks; asking twice changes nothing.
    pub fn stop(&self) {
        // A server that has ended already cannot be asked.
        let _ = self.0.send(Message::Stop);
    }
}

enum Message {
    Client(TcpStream, SocketAddr),
    AcceptFailed(std::io::Error),
    Done(SocketAddr, Instant, Result<Served>),
    Stop,
}

impl Host {
    /// A server.
    ///
    /// # Errors
    /// Weights of another network, or no randomness.
    pub fn new(offer: Offer) -> Result<Self> {
        let Offer { program, weights, tls, store, max_stored, timeout, max_clients } = offer;
        weights.check(&program.network).map_err(|error| crate::BackendError::program(error.to_string()))?;
        let agreement = Agreement::of(&program)?;
        let shelf = Shelf::new(store, max_stored)?;
        let model = ModelId::of(&weights, &shelf.model_key().0);
        let prepared_weights = Arc::new(PreparedWeights::new(&program, &weights)?);
        Ok(Self {
            program,
            weights,
            prepared_weights,
            agreement,
            model,
            tls,
            timeout,
            shelf,
            max_clients: max_clients.max(1),
        })
    }

    /// What each client's run may keep in memory before it goes to a temporary file.
    pub(super) fn memory_bytes(&self) -> u64 {
        crate::run::MEMORY_BYTES / self.max_clients as u64
    }

    /// The name of its weights.
    pub fn model(&self) -> ModelId {
        self.model
    }
}

/// Serves clients until `stop` is asked for or, if given, after `limit` connections. Calls `started` once with the way to stop
/// it, and `log` for every event.
///
/// # Errors
/// A listener that no longer accepts.
pub fn serve(
    host: &Arc<Host>,
    listener: TcpListener,
    limit: Option<usize>,
    started: impl FnOnce(Stop),
    log: &mut dyn FnMut(&Event<'_>),
) -> Result<()> {
    let (sender, messages) = channel();
    started(Stop(sender.clone()));
    let acceptor = sender.clone();
    // It ends with the process, or with the first client after this function has returned.
    thread::Builder::new()
        .name("accept".into())
        .spawn(move || accept(&listener, &acceptor))
        .map_err(NetError::Handshake)?;
    Desk { host, sender, turned_away: Arc::default(), busy: 0, seen: 0, limit: limit.unwrap_or(usize::MAX) }
        .run(&messages, log)
}

fn accept(listener: &TcpListener, messages: &Sender<Message>) {
    loop {
        let message = match listener.accept() {
            Ok((stream, peer)) => Message::Client(stream, peer),
            Err(error) => Message::AcceptFailed(error),
        };
        let failed = matches!(message, Message::AcceptFailed(_));
        if messages.send(message).is_err() {
            return;
        }
        if failed {
            // Too many open files, or a client that left at once: the next attempt may work.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The loop that knows who is being served.
struct Desk<'a> {
    host: &'a Arc<Host>,
    sender: Sender<Message>,
    turned_away: Arc<AtomicUsize>,
    busy: usize,
    seen: usize,
    limit: usize,
}

impl Desk<'_> {
    fn run(mut self, messages: &Receiver<Message>, log: &mut dyn FnMut(&Event<'_>)) -> Result<()> {
        let mut stopping = false;
        while !((stopping || self.seen >= self.limit) && self.busy == 0) {
            let Ok(message) = messages.recv() else { return Ok(()) };
            match message {
                Message::Client(stream, peer) if !stopping && self.seen < self.limit => self.admit(stream, peer, log),
                // Dropped: the client sees a closed connection.
                Message::Client(..) => {}
                Message::AcceptFailed(error) => tracing::warn!(%error, "cannot accept a client"),
                Message::Done(peer, arrival, result) => {
                    self.busy -= 1;
                    match &result {
                        Ok(what) => log(&Event::Served { peer, what: *what, elapsed: arrival.elapsed() }),
                        Err(error) => log(&Event::Failed { peer, error }),
                    }
                }
                Message::Stop if !stopping => {
                    stopping = true;
                    log(&Event::Stopping { clients: self.busy });
                }
                Message::Stop => {}
            }
        }
        Ok(())
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr, log: &mut dyn FnMut(&Event<'_>)) {
        if self.busy >= self.host.max_clients {
            return self.turn_away(stream, peer, log);
        }
        let (host, sender, arrival) = (self.host.clone(), self.sender.clone(), Instant::now());
        let work = move || {
            // Whatever happens to one client's thread stays there.
            let served = catch_unwind(AssertUnwindSafe(|| visit::receive(&host, stream)));
            let panicked = |_| Err(crate::BackendError::program("its thread panicked; this is a bug").into());
            let _ = sender.send(Message::Done(peer, arrival, served.unwrap_or_else(panicked)));
        };
        match thread::Builder::new().name(format!("client {peer}")).spawn(work) {
            Ok(_) => {
                (self.busy, self.seen) = (self.busy + 1, self.seen + 1);
                log(&Event::Arrived { peer });
            }
            Err(error) => log(&Event::Failed { peer, error: &NetError::Handshake(error) }),
        }
    }

    fn turn_away(&self, stream: TcpStream, peer: SocketAddr, log: &mut dyn FnMut(&Event<'_>)) {
        let reason = format!("the server is busy with {} clients, which is its limit; try again later", self.busy);
        log(&Event::Failed { peer, error: &NetError::Refusing(reason.clone()) });
        if self.turned_away.fetch_add(1, Ordering::SeqCst) >= MAX_TURNED_AWAY {
            self.turned_away.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let (host, count) = (self.host.clone(), self.turned_away.clone());
        let work = move || {
            // The client is told or not; there is nobody else to tell.
            let _ = catch_unwind(AssertUnwindSafe(|| visit::turn_away(&host, stream, reason)));
            count.fetch_sub(1, Ordering::SeqCst);
        };
        if thread::Builder::new().spawn(work).is_err() {
            self.turned_away.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
