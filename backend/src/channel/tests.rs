//! Messages, their limits, and peers that break them.

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
        assert!(matches!(&error, BackendError::Protocol { step: 3, reason } if reason.contains("stalled")), "{error}");
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
