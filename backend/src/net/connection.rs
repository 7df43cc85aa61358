//! A connection between the two processes, with or without TLS.

use super::socket::Socket;
use super::tls::{Fingerprint, ServerTls, client_config, tls};
use super::{NetError, Result};
use crate::channel::{Traffic, Transport};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A byte stream to the peer. Its clones are the same stream: the handshake and the [`Channel`](crate::Channel) take turns.
#[derive(Clone)]
pub struct Connection {
    stream: Arc<Mutex<Stream>>,
    traffic: Arc<Traffic>,
    encrypted: bool,
}

enum Stream {
    Plain(Socket),
    Client(Box<StreamOwned<ClientConnection, Socket>>),
    Server(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Stream {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Client(stream) => &mut stream.sock,
            Self::Server(stream) => &mut stream.sock,
        }
    }
}

impl Connection {
    /// Connects to `address`; with a fingerprint by TLS. `timeout` limits each attempt.
    ///
    /// # Errors
    /// No such address, nobody there, or an interruption.
    pub fn open(address: &str, pinned: Option<Fingerprint>, timeout: Duration, cancel: &Cancel) -> Result<Self> {
        let failed = |source| NetError::Connect { address: address.to_owned(), source };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in address.to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&candidate, timeout) {
                Ok(stream) => {
                    cancel.watch(stream.try_clone().map_err(failed)?)?;
                    return Self::client(Socket::new(stream).map_err(failed)?, pinned);
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    fn client(socket: Socket, pinned: Option<Fingerprint>) -> Result<Self> {
        let traffic = socket.traffic();
        let stream = match pinned {
            None => Stream::Plain(socket),
            Some(fingerprint) => {
                // The certificate is known by its fingerprint, so the name means nothing.
                let name = ServerName::try_from("pisim").map_err(|error| tls(&error))?;
                let session = ClientConnection::new(client_config(fingerprint)?, name).map_err(|error| tls(&error))?;
                Stream::Client(Box::new(StreamOwned::new(session, socket)))
            }
        };
        Ok(Self { stream: Arc::new(Mutex::new(stream)), traffic, encrypted: pinned.is_some() })
    }

    /// The server's end of an accepted stream.
    pub(super) fn accepted(stream: TcpStream, server: Option<&ServerTls>) -> Result<Self> {
        let socket = Socket::new(stream).map_err(NetError::Handshake)?;
        let traffic = socket.traffic();
        let stream = match server {
            None => Stream::Plain(socket),
            Some(server) => {
                let session = ServerConnection::new(server.config.clone()).map_err(|error| tls(&error))?;
                Stream::Server(Box::new(StreamOwned::new(session, socket)))
            }
        };
        Ok(Self { stream: Arc::new(Mutex::new(stream)), traffic, encrypted: server.is_some() })
    }

    /// Bytes on the socket so far, TLS records and handshake included (TCP and IP headers are the kernel's).
    pub fn traffic(&self) -> Arc<Traffic> {
        self.traffic.clone()
    }

    /// Whether TLS protects it.
    pub fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// Says goodbye and lets the peer read what was sent: closing at once, with bytes of the peer unread, would reset the
    /// connection and could destroy the last message.
    pub(super) fn finish(mut self, patience: Duration) {
        let _ = self.set_deadline(Instant::now().checked_add(patience));
        {
            let mut stream = self.lock();
            match &mut *stream {
                Stream::Plain(_) => {}
                Stream::Client(stream) => stream.conn.send_close_notify(),
                Stream::Server(stream) => stream.conn.send_close_notify(),
            }
            // The peer may have gone first.
            let _ = match &mut *stream {
                Stream::Plain(socket) => socket.flush(),
                Stream::Client(stream) => stream.flush(),
                Stream::Server(stream) => stream.flush(),
            };
            stream.socket().finish_sending();
        }
        let mut rest = [0; 1024];
        for _ in 0..64 {
            if !matches!(self.lock().socket().read(&mut rest), Ok(1..)) {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.lock() {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Client(stream) => stream.read(buffer),
            Stream::Server(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut *self.lock() {
            Stream::Plain(socket) => socket.write(buffer),
            Stream::Client(stream) => stream.write(buffer),
            Stream::Server(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *self.lock() {
            Stream::Plain(socket) => socket.flush(),
            Stream::Client(stream) => stream.flush(),
            Stream::Server(stream) => stream.flush(),
        }
    }
}

impl Transport for Connection {
    fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.lock().socket().set_deadline(deadline)
    }
}

/// Ends a connection from another thread, for Ctrl-C. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    stream: Mutex<Option<TcpStream>>,
}

impl Cancel {
    /// Ends the connection at hand and refuses every later one.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(stream) = &*self.0.stream.lock().unwrap_or_else(PoisonError::into_inner) {
            // A stream that is closed already needs no closing.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    fn watch(&self, stream: TcpStream) -> Result<()> {
        *self.0.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        if self.is_cancelled() { Err(NetError::Interrupted) } else { Ok(()) }
    }
}
