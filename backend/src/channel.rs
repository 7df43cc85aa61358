//! Messages between the parties: every payload has a header with its step and length, every byte is counted, and no wait
//! is longer than the channel's timeout.

use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use pisim_protocol::{Party, StepId, Work, wire};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A reliable byte stream to the peer: TCP, TLS, or [`memory_pair`](crate::memory_pair).
pub trait Transport: Read + Write + Send {
    /// From now on, a read or write that has moved nothing by `deadline` fails with [`io::ErrorKind::TimedOut`] (or
    /// `WouldBlock`); `None` waits for ever.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()>;
}

/// Bytes that must move within one timeout: a peer that lets them drip is as bad as one that stalls.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes per second that a peer must send or take on average, over all messages: 2 Mbit/s.
const LEAST_RATE: u64 = 256 << 10;
/// Timeouts that it may be late by then: what it computes between messages is part of it.
const SPARE_TIMEOUTS: u32 = 10;
/// Messages up to this size leave in one write together with their header.
const SMALL_BYTES: usize = 64 << 10;

/// Bytes that one party's channel has moved, message headers included.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// Bytes sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes received.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// How long a peer may take.
#[derive(Clone, Copy)]
struct Limits {
    /// For the next piece.
    timeout: Duration,
    /// Bytes per second on average.
    rate: u64,
}

impl Limits {
    /// For everything until so many bytes have moved.
    fn until(&self, bytes: u64) -> Duration {
        self.timeout
            .saturating_mul(SPARE_TIMEOUTS)
            .saturating_add(Duration::from_micros(bytes.saturating_mul(1_000_000 / 64) / (self.rate / 64).max(1)))
    }
}

/// One party's end of the connection.
pub struct Channel {
    transport: Box<dyn Transport>,
    party: Party,
    counter: Arc<Counter>,
    traffic: Arc<Traffic>,
    limits: Option<Limits>,
    /// Time that this end has waited for its peer, to send or to take, and bytes that moved in it.
    waited: Duration,
    moved: u64,
    /// The message that is being sent or received in parts.
    step: StepId,
    to_send: u64,
    to_receive: u64,
    /// Bytes that wait for the rest of their message, or for more than [`SMALL_BYTES`].
    pending: Vec<u8>,
}

impl Channel {
    /// A channel of `party` over a byte stream; bytes sent are added to `counter`. It waits for its peer for ever.
    pub fn new(transport: Box<dyn Transport>, party: Party, counter: Arc<Counter>) -> Self {
        let (traffic, step) = (Arc::default(), StepId(0));
        Self {
            transport,
            party,
            counter,
            traffic,
            limits: None,
            waited: Duration::ZERO,
            moved: 0,
            step,
            to_send: 0,
            to_receive: 0,
            pending: Vec::new(),
        }
    }

    /// The same channel with a limit: each message must begin, and every further 256 KiB of it must move, within `timeout`.
    /// It has to be longer than the peer computes between two messages.
    ///
    /// A peer that stays just below that limit for every piece would still hold this end for days. All waiting together
    /// may therefore take ten timeouts, and one second for every 256 KiB that moved: a run of 1 GB on a link of 2 Mbit/s
    /// ends in time, and nobody can make it longer than that by much.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_limits(timeout, LEAST_RATE)
    }

    fn with_limits(self, timeout: Duration, rate: u64) -> Self {
        Self { limits: Some(Limits { timeout, rate }), ..self }
    }

    /// What this channel has moved, also after the channel is gone.
    pub fn traffic(&self) -> Arc<Traffic> {
        self.traffic.clone()
    }

    /// Sends the message of `step`.
    ///
    /// # Errors
    /// A connection that failed, or a peer that did not take it within the timeout.
    pub fn send(&mut self, step: StepId, payload: &[u8]) -> Result<()> {
        self.begin(step, payload.len() as u64)?;
        self.send_part(payload)
    }

    /// Begins the message of `step`, whose `bytes` bytes follow by [`Channel::send_part`].
    ///
    /// # Errors
    /// As [`Channel::send`]; also a message before it that is not complete.
    pub fn begin(&mut self, step: StepId, bytes: u64) -> Result<()> {
        if self.to_send != 0 {
            let reason = format!("step {} has not sent all of its message", self.step.0);
            return Err(BackendError::program(reason));
        }
        (self.step, self.to_send) = (step, bytes);
        let mut header = [0; wire::HEADER_BYTES as usize];
        let (number, length) = header.split_at_mut(4);
        number.copy_from_slice(&(step.0 as u32).to_le_bytes());
        length.copy_from_slice(&bytes.to_le_bytes());
        self.write(&header)?;
        if bytes == 0 { self.flush() } else { Ok(()) }
    }

    /// Sends the next part of the message that was begun; after its last part, the message is on its way.
    ///
    /// # Errors
    /// As [`Channel::send`]; also a part that goes beyond the message.
    pub fn send_part(&mut self, part: &[u8]) -> Result<()> {
        let bytes = part.len() as u64;
        let beyond = || BackendError::program(format!("step {} sends more than it announced", self.step.0));
        self.to_send = self.to_send.checked_sub(bytes).ok_or_else(beyond)?;
        self.write(part)?;
        if self.to_send == 0 { self.flush() } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pending.len() + bytes.len() > SMALL_BYTES {
            self.write_pending()?;
        }
        if bytes.len() > SMALL_BYTES {
            for piece in bytes.chunks(PIECE_BYTES) {
                self.wait(piece.len(), |transport| transport.write_all(piece))?;
            }
        } else {
            self.pending.extend_from_slice(bytes);
        }
        let count = bytes.len() as u64;
        self.traffic.add_sent(count);
        self.counter.add(match self.party {
            Party::Client => Work { bytes_up: count, ..Work::default() },
            Party::Server => Work { bytes_down: count, ..Work::default() },
        });
        Ok(())
    }

    fn write_pending(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let result = self.wait(pending.len(), |transport| transport.write_all(&pending));
        pending.clear();
        self.pending = pending;
        result
    }

    fn flush(&mut self) -> Result<()> {
        self.write_pending()?;
        self.wait(0, |transport| transport.flush())
    }

    /// Receives the message of `step`, which must have exactly `expected` bytes.
    ///
    /// # Errors
    /// A closed connection, a peer that stalls, another step's message, or another length; nothing is allocated before
    /// the length is known to be the expected one.
    pub fn receive(&mut self, step: StepId, expected: u64) -> Result<Buffer> {
        self.expect(step, expected)?;
        let mut payload = Buffer::new(expected as usize);
        self.receive_part(payload.bytes_mut())?;
        Ok(payload)
    }

    /// Receives the header of the message of `step`, whose `expected` bytes follow by [`Channel::receive_part`].
    ///
    /// # Errors
    /// As [`Channel::receive`]; also a message before it that is not complete.
    pub fn expect(&mut self, step: StepId, expected: u64) -> Result<()> {
        if self.to_receive != 0 {
            let reason = format!("step {} comes before the message of step {} is complete", step.0, self.step.0);
            return Err(BackendError::program(reason));
        }
        self.step = step;
        let mut header = [0; wire::HEADER_BYTES as usize];
        self.read(&mut header)?;
        let (number, length) = header.split_at(4);
        let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if number as usize != step.0 {
            let reason = format!("expected its message, received that of step {number}");
            return Err(BackendError::protocol(step.0, reason));
        }
        if length != expected {
            let reason = format!("expected a message of {expected} bytes, received a header of {length}");
            return Err(BackendError::protocol(step.0, reason));
        }
        self.to_receive = expected;
        Ok(())
    }

    /// Receives the next bytes of the message that is expected.
    ///
    /// # Errors
    /// As [`Channel::receive`]; also a part that goes beyond the message.
    pub fn receive_part(&mut self, part: &mut [u8]) -> Result<()> {
        let beyond = || BackendError::program(format!("step {} reads more than its message", self.step.0));
        self.to_receive = self.to_receive.checked_sub(part.len() as u64).ok_or_else(beyond)?;
        self.read(part)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        for piece in bytes.chunks_mut(PIECE_BYTES) {
            let bytes = piece.len();
            self.wait(bytes, |transport| transport.read_exact(piece))?;
            self.traffic.add_received(bytes as u64);
        }
        Ok(())
    }

    /// Moves one piece of a message within the limits.
    fn wait(&mut self, bytes: usize, exchange: impl FnOnce(&mut dyn Transport) -> io::Result<()>) -> Result<()> {
        let Some(limits) = self.limits else { return Ok(exchange(&mut *self.transport)?) };
        let start = Instant::now();
        self.moved = self.moved.saturating_add(bytes as u64);
        let left = limits.until(self.moved).saturating_sub(self.waited);
        self.transport.set_deadline(start.checked_add(limits.timeout.min(left)))?;
        let result = exchange(&mut *self.transport);
        self.waited += start.elapsed();
        result.map_err(|error| self.failed(error, limits, left))
    }

    fn failed(&self, error: io::Error, limits: Limits, left: Duration) -> BackendError {
        let reason = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock if left < limits.timeout => {
                let Limits { timeout, rate } = limits;
                format!(
                    "the peer is too slow: after {SPARE_TIMEOUTS} waits of {} s it has moved less than {rate} bytes per second",
                    timeout.as_secs_f64()
                )
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                format!("the peer stalled: nothing moved for {} s", limits.timeout.as_secs_f64())
            }
            _ => return error.into(),
        };
        BackendError::protocol(self.step.0, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::memory_pair;

    fn channels() -> (Channel, Channel, Arc<Counter>) {
        let (client, server) = memory_pair();
        let counter = Arc::new(Counter::default());
        let client = Channel::new(Box::new(client), Party::Client, counter.clone());
        (client, Channel::new(Box::new(server), Party::Server, Arc::default()), counter)
    }

    #[test]
    fn messages_arrive_whole_and_their_bytes_are_counted_with_the_header() {
        let (mut client, mut server, counter) = channels();
        client.send(StepId(3), b"hello").unwrap();
        client.send(StepId(4), b"").unwrap();
        assert_eq!(server.receive(StepId(3), 5).unwrap().bytes(), b"hello");
        assert_eq!(server.receive(StepId(4), 0).unwrap().bytes(), b"");
        assert_eq!(counter.take().bytes_up, 5 + 2 * wire::HEADER_BYTES);
    }

    #[test]
    fn a_message_of_another_step_or_length_is_a_protocol_error() {
        let (mut client, mut server, _) = channels();
        client.send(StepId(3), b"hello").unwrap();
        assert!(matches!(server.receive(StepId(2), 5), Err(BackendError::Protocol { step: 2, .. })));
        let (mut client, mut server, _) = channels();
        client.send(StepId(3), b"hello").unwrap();
        assert!(matches!(server.receive(StepId(3), 6), Err(BackendError::Protocol { step: 3, .. })));
    }

    #[test]
    fn a_peer_that_hangs_up_is_a_connection_error() {
        let (client, mut server, _) = channels();
        drop(client);
        assert!(matches!(server.receive(StepId(0), 1), Err(BackendError::Connection(_))));
    }

    #[test]
    fn a_message_in_parts_is_the_message_and_one_too_long_or_short_is_an_error() {
        let (mut client, mut server, counter) = channels();
        client.begin(StepId(7), 5).unwrap();
        client.send_part(b"he").unwrap();
        client.send_part(b"").unwrap();
        client.send_part(b"llo").unwrap();
        server.expect(StepId(7), 5).unwrap();
        let mut parts = [[0; 1], [0; 1]];
        for part in &mut parts {
            server.receive_part(part).unwrap();
        }
        assert_eq!(parts.concat(), b"he");
        assert!(matches!(server.expect(StepId(8), 1), Err(BackendError::Program(_))), "three bytes are left");
        assert!(matches!(server.receive_part(&mut [0; 4]), Err(BackendError::Program(_))), "three bytes are left");
        assert_eq!(counter.take().bytes_up, 5 + wire::HEADER_BYTES);
        assert_eq!((client.traffic().sent(), server.traffic().received()), (17, 14));
        assert!(matches!(client.send_part(b"!"), Err(BackendError::Program(_))));
        client.begin(StepId(9), 2).unwrap();
        assert!(matches!(client.begin(StepId(10), 2), Err(BackendError::Program(_))));
    }

    #[test]
    fn a_peer_that_stalls_at_the_start_or_inside_a_message_is_a_protocol_error_within_the_timeout() {
        for sent in [0, 3, wire::HEADER_BYTES as usize, wire::HEADER_BYTES as usize + 4] {
            let (mut client, server) = memory_pair();
            let timeout = Duration::from_millis(40);
            let mut server = Channel::new(Box::new(server), Party::Server, Arc::default()).with_timeout(timeout);
            let header = [&3u32.to_le_bytes()[..], &5u64.to_le_bytes(), b"hell"].concat();
            client.write_all(&header[..sent]).unwrap();
            let start = Instant::now();
            let error = server.receive(StepId(3), 5).map(|_| ()).unwrap_err();
            assert!(
                matches!(&error, BackendError::Protocol { step: 3, reason } if reason.contains("stalled")),
                "{error}"
            );
            assert!(start.elapsed() >= timeout && start.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn a_peer_that_drips_in_time_for_every_piece_is_too_slow_in_the_end() {
        let (mut client, server) = memory_pair();
        let timeout = Duration::from_millis(50);
        // Single bytes buy next to no time at this rate.
        let mut server = Channel::new(Box::new(server), Party::Server, Arc::default()).with_limits(timeout, 1 << 30);
        let drip = std::thread::spawn(move || {
            client.write_all(&[&3u32.to_le_bytes()[..], &1000u64.to_le_bytes()].concat()).unwrap();
            (0..1000).take_while(|_| client.write_all(&[1]).is_ok()).for_each(|_| {
                std::thread::sleep(Duration::from_millis(10));
            });
        });
        let start = Instant::now();
        server.expect(StepId(3), 1000).unwrap();
        let error = (0..1000).find_map(|_| server.receive_part(&mut [0]).err()).unwrap();
        let elapsed = start.elapsed();
        assert!(matches!(&error, BackendError::Protocol { step: 3, reason } if reason.contains("too slow")), "{error}");
        assert!(elapsed >= SPARE_TIMEOUTS * timeout / 2 && elapsed < Duration::from_secs(9), "{elapsed:?}");
        drop(server);
        drip.join().unwrap();
    }

    #[test]
    fn bytes_that_move_at_the_least_rate_buy_their_own_time() {
        let limits = Limits { timeout: Duration::from_secs(60), rate: LEAST_RATE };
        assert_eq!(limits.until(0), Duration::from_secs(600));
        assert_eq!(limits.until(1 << 30), Duration::from_secs(600 + 4096));
        assert!(limits.until(u64::MAX) > Duration::from_secs(600));
        let endless = Limits { timeout: Duration::MAX, rate: 0 };
        assert_eq!(endless.until(u64::MAX), Duration::MAX);
        // A slow peer that moves enough takes longer than all spare timeouts.
        let (mut client, server) = memory_pair();
        let mut server =
            Channel::new(Box::new(server), Party::Server, Arc::default()).with_limits(Duration::from_millis(150), 200);
        let bytes = [&3u32.to_le_bytes()[..], &1000u64.to_le_bytes(), &[7; 1000]].concat();
        let writer = std::thread::spawn(move || {
            for part in bytes.chunks(10) {
                client.write_all(part).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            client
        });
        server.expect(StepId(3), 1000).unwrap();
        for _ in 0..100 {
            server.receive_part(&mut [0; 10]).unwrap();
        }
        assert!(server.waited > Duration::from_millis(1500));
        writer.join().unwrap();
    }

    #[test]
    fn large_messages_move_through_the_window_of_a_slow_reader() {
        let (mut client, mut server, _) = channels();
        let payload: Vec<u8> = (0..70usize << 20).map(|index| (index % 251) as u8).collect();
        let sent = payload.clone();
        let writer = std::thread::spawn(move || client.send(StepId(1), &sent));
        assert!(server.receive(StepId(1), payload.len() as u64).unwrap().bytes() == payload);
        writer.join().unwrap().unwrap();
    }
}
