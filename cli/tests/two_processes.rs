//! A server and a client as two processes over loopback: right answers, exact bytes, refusals, strangers, interruptions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]
#![cfg(unix)]

mod common;

use common::serving::*;
use common::{Folder, PROTOCOL, assert_keys};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Child;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

#[test]
fn two_processes_give_the_references_answer_and_send_exactly_the_predicted_bytes() {
    let folder = Folder::new();
    for protocol in ["ring-gc", "ring-gc-client"] {
        let serving = Serving::seeded(&folder, &["-p", protocol]);
        let answer = answer(&folder, serving.address(), &["-p", protocol, "--input", "seed:3"]);
        assert_eq!(answer["outputs"], seeded_reference(3), "{protocol}");
        assert_eq!(answer["bytes"], answer["predicted_bytes"], "{protocol}");
        // Greeting and request up; greeting and ticket down.
        let socket = |way: &str| answer["socket_bytes"][way].as_u64().unwrap() - answer["bytes"][way].as_u64().unwrap();
        assert_eq!((socket("up"), socket("down")), (300 + 49, 45 + 49));
        assert_keys(&answer["wall_s"], &["connect", "setup", "offline", "online"]);
        assert_eq!(answer["tls"], false);
        let log = serving.stop();
        assert!(log.contains(": answered in"), "{log}");
    }
}

#[test]
fn arrays_and_pictures_are_inputs_and_wrong_ones_are_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &[]);
    let values: Vec<f32> = (0..192).map(|index| index as f32 / 256.0).collect();
    folder.write("image.npy", npy("(3, 8, 8)", &values));
    let fixed: Vec<i64> = (0..192).collect();
    assert_eq!(answer(&folder, serving.address(), &["--input", "image.npy"])["outputs"], reference(&fixed));
    folder.write("grey.png", include_bytes!("../../configs/images/cat.png"));
    assert!(answer(&folder, serving.address(), &["--input", "grey.png"])["class"].is_u64());
    folder.write("wrong.npy", npy("(3, 4, 16)", &values));
    folder.write("text.png", "no picture");
    for (input, says) in [
        ("wrong.npy", "shape [3, 4, 16]; the network takes [3, 8, 8]"),
        ("text.png", "cannot read the picture"),
        ("none.npy", "cannot read the array"),
        ("seed:x", "expected seed:N"),
    ] {
        let error = folder.refusal(&client_args(serving.address(), &["--input", input]));
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(serving.stop().matches("client ").count(), 2, "only the two answered ones came");
}

fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

#[test]
fn what_differs_is_named_and_the_server_goes_on() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &[]);
    folder.write_edited("narrow.toml", PROTOCOL, "weight_bits = 11", "weight_bits = 10");
    let address = serving.address();
    for (args, says) in [
        (
            vec!["infer", "--connect", address, "--input", "seed:1"],
            "the server offers `resnet20`, the client wants `hrn-tiny`",
        ),
        (vec!["infer", "--connect", address, "--input", "seed:1", "-n", "resnet20"], "both are called `resnet20`"),
        (client_args(address, &["--input", "seed:1", "-p", "ring-gc-client"]), "the protocols differ"),
        (client_args(address, &["--input", "seed:1", "-p", "narrow.toml"]), "the parameters differ"),
    ] {
        let error = folder.refusal_line(&args);
        assert!(error.contains("the server refused") && error.contains(says), "{error}");
    }
    // Another wire version, as a later client would send it.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"\x89pisim\r\n\x07\0\0\0 and whatever it says").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.contains("the server speaks wire version 1, the client version 7"), "{reply}");
    assert_eq!(answer(&folder, address, &["--input", "seed:3"])["outputs"], seeded_reference(3));
    assert_eq!(serving.stop().matches("refused a client").count(), 5);
}

#[test]
fn tls_serves_whoever_knows_the_fingerprint_and_nobody_else() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--tls"]);
    let (address, fingerprint) = (serving.address(), serving.greeting["tls_fingerprint"].as_str().unwrap().to_owned());
    let fingerprint = fingerprint.as_str();
    let secured = answer(&folder, address, &["--input", "seed:3", "--tls-fingerprint", fingerprint]);
    assert_eq!((&secured["outputs"], &secured["tls"]), (&seeded_reference(3), &Value::Bool(true)));
    let other = if fingerprint.starts_with('0') { "1" } else { "0" };
    let other = format!("{other}{}", &fingerprint[1..]);
    let error = folder.refusal_line(&client_args(address, &["--input", "seed:3", "--tls-fingerprint", &other]));
    assert!(error.contains("certificate"), "{error}");
    let error = folder.refusal_line(&client_args(address, &["--input", "seed:3"]));
    assert!(error.contains("it speaks TLS; give the fingerprint"), "{error}");
    folder.refusal(&client_args(address, &["--input", "seed:3", "--tls-fingerprint", "12"]));
    serving.stop();
    let plain = Serving::seeded(&folder, &[]);
    let error =
        folder.refusal_line(&client_args(plain.address(), &["--input", "seed:3", "--tls-fingerprint", fingerprint]));
    assert!(error.contains("handshake"), "{error}");
    assert!(plain.stop().contains("it speaks TLS, and this server was started without"));
}

/// A proxy that sends on everything up to a byte, and then does something else. Counts what it carried each way.
fn proxy(server: &str, spoil_at: Option<(usize, Spoil)>) -> (String, thread::JoinHandle<[u64; 2]>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    let carry = |mut from: TcpStream, mut to: TcpStream, spoil: Option<(usize, Spoil)>| {
        let (mut carried, mut buffer) = (0usize, [0; 4096]);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut count = count;
            if let Some((at, spoil)) = spoil
                && (carried..carried + count).contains(&at)
            {
                match spoil {
                    Spoil::Hang => sleep(Duration::from_secs(600)),
                    Spoil::Cut => count = at - carried,
                    Spoil::Flip => buffer[at - carried] ^= 0x10,
                }
                if let Spoil::Cut = spoil {
                    let _ = to.write_all(&buffer[..count]);
                    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
                    return carried as u64;
                }
            }
            carried += count;
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        carried as u64
    };
    let thread = thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let upstream = TcpStream::connect(server).unwrap();
        let (from, to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        let up = thread::spawn(move || carry(from, to, spoil_at));
        let down = carry(upstream, client, None);
        [up.join().unwrap(), down]
    });
    (address, thread)
}

#[derive(Clone, Copy, Debug)]
enum Spoil {
    Hang,
    Cut,
    Flip,
}

#[test]
fn the_bytes_on_the_socket_are_those_that_a_proxy_counts() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &[]);
    let (address, proxy) = proxy(serving.address(), None);
    let answer = answer(&folder, &address, &["--input", "seed:3"]);
    let [up, down] = proxy.join().unwrap();
    assert_eq!(
        (answer["socket_bytes"]["up"].as_u64(), answer["socket_bytes"]["down"].as_u64()),
        (Some(up), Some(down))
    );
}

#[test]
fn peers_that_stall_vanish_or_lie_are_errors_within_the_timeout_and_harm_nobody() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--timeout", "2"]);
    let silent = TcpStream::connect(serving.address()).unwrap();
    let mut strangers = Vec::new();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4096], b"\x89pisim\r\n\x01\0\0\0", b""] {
        let mut stream = TcpStream::connect(serving.address()).unwrap();
        stream.write_all(garbage).unwrap();
        strangers.push(stream);
    }
    // After the greeting, in the first message's header (its length), in its body, and deep in the offline phase.
    for spoil in [Spoil::Hang, Spoil::Cut, Spoil::Flip] {
        for at in [305, 349 + 9, 349 + 500, 200_000] {
            let (address, _proxy) = proxy(serving.address(), Some((at, spoil)));
            let start = Instant::now();
            let answer = ask(&folder, &address, &["--input", "seed:3", "--timeout", "4"]);
            assert!(start.elapsed() < Duration::from_secs(60), "{spoil:?} at {at}");
            assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
            let harmless = matches!(spoil, Spoil::Flip) && at > 400;
            assert!(answer.code == Some(2) || harmless, "{spoil:?} at {at}: {:?} {}", answer.code, answer.stderr);
        }
    }
    assert_eq!(answer(&folder, serving.address(), &["--input", "seed:3"])["outputs"], seeded_reference(3));
    drop((silent, strangers));
    let log = serving.stop();
    for says in ["stalled", "is not a pisim client", "expected a message of", "closed the connection"] {
        assert!(log.contains(says), "{says}: {log}");
    }
}

#[test]
fn a_server_that_is_not_there_or_is_not_pisim_is_an_error() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let talker = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
        let mut sink = [0; 1000];
        while matches!(stream.read(&mut sink), Ok(1..)) {}
    });
    let error = folder.refusal_line(&client_args(&address, &["--input", "seed:3"]));
    assert!(error.contains("is not a pisim server"), "{error}");
    talker.join().unwrap();
    let error = folder.refusal_line(&client_args(&address, &["--input", "seed:3"]));
    assert!(error.contains(&format!("cannot connect to {address}")), "{error}");
}

#[test]
fn several_clients_at_once_are_served_and_one_too_many_is_told_so() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--max-clients", "3"]);
    let clients: Vec<Child> = (0..3)
        .map(|seed| start_client(&folder, serving.address(), &["--json", "--input", &format!("seed:{seed}")]))
        .collect();
    for (seed, client) in clients.into_iter().enumerate() {
        let output = client.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["outputs"], seeded_reference(seed as u64));
    }
    let idle: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(serving.address()).unwrap()).collect();
    sleep(Duration::from_millis(200));
    let error = folder.refusal_line(&client_args(serving.address(), &["--input", "seed:3"]));
    assert!(error.contains("busy with 3 clients"), "{error}");
    drop(idle);
    sleep(Duration::from_millis(200));
    assert!(answer(&folder, serving.address(), &["--input", "seed:3"])["class"].is_u64());
}

#[test]
fn ctrl_c_lets_a_running_client_finish_and_a_limit_ends_the_server() {
    let folder = Folder::new();
    let mut serving = Serving::seeded(&folder, &[]);
    // A proxy holds the client back, so that it is certainly running.
    let (address, proxy) = slow_proxy(serving.address());
    let client = start_client(&folder, &address, &["--json", "--input", "seed:3"]);
    sleep(Duration::from_millis(400));
    serving.signal("INT");
    let output = client.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["outputs"], seeded_reference(3));
    proxy.join().unwrap();
    let (code, log) = serving.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopping when 1 clients are done"), "{log}");
    let mut limited = Serving::seeded(&folder, &["--clients", "1"]);
    ask(&folder, limited.address(), &["--input", "seed:3"]);
    assert_eq!(limited.end().0, Some(0));
}

/// A proxy that waits for a second before it sends on the first byte of the run.
fn slow_proxy(server: &str) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    let thread = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut upstream = TcpStream::connect(server).unwrap();
        let mut greeting = [0; 300];
        client.read_exact(&mut greeting).unwrap();
        upstream.write_all(&greeting).unwrap();
        let (mut from, mut to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
        let down = thread::spawn(move || std::io::copy(&mut from, &mut to));
        sleep(Duration::from_secs(1));
        let _ = std::io::copy(&mut client, &mut upstream);
        let _ = upstream.shutdown(Shutdown::Write);
        let _ = down.join().unwrap();
    });
    (address, thread)
}

#[test]
fn a_second_ctrl_c_stops_at_once_and_an_interrupted_client_leaves_nothing() {
    let folder = Folder::new();
    let mut serving = Serving::seeded(&folder, &[]);
    let _idle = TcpStream::connect(serving.address()).unwrap();
    sleep(Duration::from_millis(200));
    serving.signal("INT");
    sleep(Duration::from_millis(200));
    serving.signal("INT");
    assert_eq!(serving.end().0, Some(130));
    // A server that never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = start_client(&folder, &address, &["--offline", "--store", "store"]);
    sleep(Duration::from_millis(500));
    signal(&client, "INT");
    let output = client.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "interrupted\n");
    assert!(entries(&folder, "store").is_empty());
}

#[test]
fn usage_is_checked() {
    let folder = Folder::new();
    for args in [
        &["infer", "--connect", "127.0.0.1:1"][..],
        &["infer", "--connect", "127.0.0.1:1", "--offline"],
        &["infer", "--connect", "127.0.0.1:1", "--offline", "--store", "s", "--input", "seed:1"],
        &["infer", "--connect", "127.0.0.1:1", "--input", "seed:1", "--count", "2"],
        &["serve", "--tls-cert", "cert.pem"],
        &["serve", "--timeout", "0"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--tls-cert", "none.pem", "--tls-key", "none.pem"],
    ] {
        folder.refusal(args);
    }
    for command in ["serve", "infer"] {
        let help = folder.pisim(&[command, "--help"]);
        assert!(help.code == Some(0) && help.stdout.contains("Examples:"), "{}", help.stdout);
    }
}
