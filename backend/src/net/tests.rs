//! The handshake and every message decoder against strangers: random bytes, and recorded sessions with a byte changed.
//!
//! `PISIM_FUZZ_CASES=100000 cargo test -p pisim-backend fuzz` runs longer.

use super::agreement::{Agreement, ModelId};
use super::handshake::{Request, Talk, Ticket};
use super::*;
use crate::channel::{Channel, Transport};
use crate::memory::memory_pair;
use crate::party::{Client, Server};
use crate::random::Seed;
use crate::storage::Storage;
use pisim_netgen::{NetworkBuilder, NetworkSpec, Op, Shape, Weights, random_input};
use pisim_protocol::{Party, Program, Protocol, lower};
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(20);
const MODEL: ModelId = ModelId([3; 32]);

fn cases(usual: u32) -> u32 {
    std::env::var("PISIM_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn program(protocol: &str, input: usize) -> Arc<Program> {
    let mut spec = NetworkSpec::named("resnet20").unwrap();
    (spec.input_size, spec.base_channels, spec.thin) = (input, Some(1), true);
    spec.cull = vec!["stem".to_owned(), "s1".to_owned()];
    Arc::new(lower(&spec.build().unwrap(), &Protocol::load(protocol).unwrap()).unwrap())
}

/// A stream whose incoming bytes are recorded, or come from a record; clones are the same stream.
#[derive(Clone)]
struct Tape(Arc<Mutex<Reel>>);

enum Reel {
    Live(Box<dyn Transport>, Vec<u8>),
    Replay(Cursor<Vec<u8>>),
}

impl Tape {
    fn live(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(Mutex::new(Reel::Live(Box::new(transport), Vec::new()))))
    }

    fn replay(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Reel::Replay(Cursor::new(bytes)))))
    }

    fn recorded(&self) -> Vec<u8> {
        match &*self.0.lock().unwrap() {
            Reel::Live(_, record) => record.clone(),
            Reel::Replay(_) => Vec::new(),
        }
    }
}

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.0.lock().unwrap() {
            Reel::Live(transport, record) => {
                let count = transport.read(buffer)?;
                record.extend(&buffer[..count]);
                Ok(count)
            }
            Reel::Replay(bytes) => bytes.read(buffer),
        }
    }
}

impl Write for Tape {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut *self.0.lock().unwrap() {
            Reel::Live(transport, _) => transport.write(buffer),
            Reel::Replay(_) => Ok(buffer.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Tape {
    fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        match &mut *self.0.lock().unwrap() {
            Reel::Live(transport, _) => transport.set_deadline(deadline),
            Reel::Replay(_) => Ok(()),
        }
    }
}

/// The client's side of a whole inference, from its first byte.
fn client(program: &Arc<Program>, mut tape: Tape) -> Result<Vec<i64>> {
    let mut talk = Talk { stream: &mut tape, timeout: TIMEOUT };
    talk.greet(&Agreement::of(program)?)?;
    talk.ask(&Request::Infer)?;
    let counter = Arc::default();
    let channel = Channel::new(Box::new(tape), Party::Client, Arc::clone(&counter)).with_timeout(TIMEOUT);
    let input = random_input(program.network.network.input, program.network.format, 5);
    let client = Client::new(program.clone(), channel, counter, Seed::from_system()?, Storage::in_memory(1 << 30))?;
    Ok(client.run(input, &mut |_| {})?.0)
}

/// The server's side.
fn server(program: &Arc<Program>, mut tape: Tape) -> Result<()> {
    let mut talk = Talk { stream: &mut tape, timeout: TIMEOUT };
    talk.welcome(&Agreement::of(program)?, MODEL)?;
    talk.hear()?;
    talk.accept(&Ticket::default())?;
    let counter = Arc::default();
    let channel = Channel::new(Box::new(tape), Party::Server, Arc::clone(&counter)).with_timeout(TIMEOUT);
    let weights = Arc::new(Weights::random(&program.network, 5));
    let storage = Storage::in_memory(1 << 30);
    Server::new(program.clone(), channel, counter, Seed::from_system()?, storage, weights)?.run(&mut |_| {})?;
    Ok(())
}

/// What a client and a server received in a whole session.
struct Session {
    program: Arc<Program>,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

fn record(program: Arc<Program>) -> Session {
    let (client_end, server_end) = memory_pair();
    let (client_end, server_end) = (Tape::live(client_end), Tape::live(server_end));
    let (theirs, tape) = (program.clone(), server_end.clone());
    let thread = std::thread::spawn(move || server(&theirs, tape));
    let outputs = client(&program, client_end.clone()).unwrap();
    thread.join().unwrap().unwrap();
    let input = random_input(program.network.network.input, program.network.format, 5);
    let reference = pisim_netgen::infer(&program.network, &Weights::random(&program.network, 5), &input).unwrap();
    assert_eq!(outputs, reference.outputs);
    Session { program, to_client: client_end.recorded(), to_server: server_end.recorded() }
}

/// One session with each party as the garbler.
static SESSIONS: LazyLock<[Session; 2]> =
    LazyLock::new(|| ["ring-gc", "ring-gc-client"].map(|protocol| record(program(protocol, 8))));

/// The same under Delphi, of a network of three layers.
static DELPHI_SESSIONS: LazyLock<[Session; 2]> = LazyLock::new(|| {
    ["delphi", "delphi-client"].map(|protocol| {
        let mut net = NetworkBuilder::new("tiny", Shape::new(1, 3, 3)).unwrap();
        let relu = net.add("relu", Op::Relu, &[net.input()]).unwrap();
        net.add("linear", Op::Linear { out_features: 2 }, &[relu]).unwrap();
        let network = net.finish().unwrap();
        record(Arc::new(lower(&network, &Protocol::load(protocol).unwrap()).unwrap()))
    })
});

/// A way to spoil a session.
#[derive(Debug, Clone)]
enum Fault {
    Flip(u32),
    Cut,
    Insert(u8),
    Remove,
    /// Eight bytes become the largest length.
    Huge,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        (0u32..8).prop_map(Fault::Flip),
        Just(Fault::Cut),
        any::<u8>().prop_map(Fault::Insert),
        Just(Fault::Remove),
        Just(Fault::Huge),
    ]
}

fn spoil(bytes: &mut Vec<u8>, fault: &Fault, at: usize) {
    match fault {
        Fault::Flip(bit) => bytes[at] ^= 1 << bit,
        Fault::Cut => bytes.truncate(at),
        Fault::Insert(byte) => bytes.insert(at, *byte),
        Fault::Remove => {
            bytes.remove(at);
        }
        Fault::Huge => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = 0xff),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]
    #[test]
    fn fuzz_a_spoilt_session_ends_in_an_error_or_in_a_finished_run(
        session in 0usize..2,
        at in any::<prop::sample::Index>(),
        // Half of the faults hit the handshake and the first messages.
        early in any::<bool>(),
        fault in fault(),
    ) {
        let session = &SESSIONS[session];
        let place = |bytes: &[u8]| at.index(if early { bytes.len().min(3000) } else { bytes.len() });
        let (mut up, mut down) = (session.to_server.clone(), session.to_client.clone());
        let (up_at, down_at) = (place(&up), place(&down));
        spoil(&mut up, &fault, up_at);
        spoil(&mut down, &fault, down_at);
        let served = server(&session.program, Tape::replay(up));
        let answered = client(&session.program, Tape::replay(down));
        if matches!(fault, Fault::Cut | Fault::Remove) {
            prop_assert!(served.is_err() && answered.is_err(), "a session without its end cannot be finished");
        }
    }

    #[test]
    fn fuzz_a_spoilt_ending_of_a_delphi_session_ends_in_an_error_or_in_a_finished_run(
        session in 0usize..2, at in any::<prop::sample::Index>(), fault in fault(),
    ) {
        // Behind the 33 MB of keys, which take half a second to make and to read.
        let session = &DELPHI_SESSIONS[session];
        let place = |bytes: &[u8]| bytes.len() - 1 - at.index(bytes.len().min(200_000));
        let (mut up, mut down) = (session.to_server.clone(), session.to_client.clone());
        let (up_at, down_at) = (place(&up), place(&down));
        spoil(&mut up, &fault, up_at);
        spoil(&mut down, &fault, down_at);
        let served = server(&session.program, Tape::replay(up));
        let answered = client(&session.program, Tape::replay(down));
        if matches!(fault, Fault::Cut | Fault::Remove) {
            prop_assert!(served.is_err() && answered.is_err(), "a session without its end cannot be finished");
        }
    }

    #[test]
    fn fuzz_random_bytes_are_never_a_handshake(bytes in prop::collection::vec(any::<u8>(), 0..600), magic in any::<bool>()) {
        let agreement = Agreement::of(&SESSIONS[0].program).unwrap();
        let bytes = if magic { [&SESSIONS[0].to_server[..12], &bytes].concat() } else { bytes };
        let mut tape = Tape::replay(bytes.clone());
        let mut talk = Talk { stream: &mut tape, timeout: TIMEOUT };
        prop_assert!(talk.welcome(&agreement, MODEL).is_err());
        let _ = Talk { stream: &mut Tape::replay(bytes.clone()), timeout: TIMEOUT }.hear();
        let _ = Talk { stream: &mut Tape::replay(bytes.clone()), timeout: TIMEOUT }.ask(&Request::Prepare);
        let _ = Talk { stream: &mut Tape::replay(bytes.clone()), timeout: TIMEOUT }.wait();
        if let Err(NetError::Refused(reason) | NetError::Gone(reason)) =
            (Talk { stream: &mut Tape::replay(bytes), timeout: TIMEOUT }).greet(&agreement).map(|_| ())
        {
            prop_assert!(reason.len() <= 3 * 512 && !reason.chars().any(char::is_control), "{reason:?}");
        }
    }

    #[test]
    fn any_reason_for_a_refusal_arrives_bounded_and_printable(reason in ".{0,700}") {
        let (mut here, mut there) = memory_pair();
        let sent = Talk { stream: &mut here, timeout: TIMEOUT }.refuse::<()>(reason.clone());
        prop_assert!(matches!(sent, Err(NetError::Refusing(_))));
        let received = Talk { stream: &mut there, timeout: TIMEOUT }.wait();
        let Err(NetError::Refused(text)) = received else { panic!("{received:?}") };
        prop_assert!(text.chars().count() <= 512 && !text.chars().any(char::is_control));
        let printable: String = reason.chars().filter(|c| !c.is_control()).collect();
        if reason.len() <= 512 && printable == reason {
            prop_assert_eq!(text.trim_end_matches('\0'), reason.trim_end_matches('\0'));
        }
    }
}

#[test]
fn agreements_tell_networks_protocols_and_parameters_apart() {
    let ours = Agreement::of(&program("ring-gc", 8)).unwrap();
    assert_eq!(ours.difference(&Agreement::of(&program("ring-gc", 8)).unwrap()), None);
    assert_eq!(Agreement::read(&ours.write()), ours);
    let difference = |other: &Program| ours.difference(&Agreement::of(other).unwrap()).unwrap();
    let size = difference(&program("ring-gc", 16));
    assert!(size.contains("networks differ") && size.contains("input sizes"), "{size}");
    let garbler = difference(&program("ring-gc-client", 8));
    assert!(garbler.contains("protocols differ") && garbler.contains("ring-gc-client"), "{garbler}");
    let base = program("ring-gc", 8);
    let mut protocol = (*base.protocol).clone();
    protocol.name = "another name".to_owned();
    protocol.description = "another description".to_owned();
    let renamed = Program { protocol: Arc::new(protocol.clone()), ..(*base).clone() };
    assert_eq!(ours.difference(&Agreement::of(&renamed).unwrap()), None, "names do not matter");
    protocol.format.weight_bits -= 1;
    let narrower = Program { protocol: Arc::new(protocol), ..(*base).clone() };
    assert!(difference(&narrower).contains("parameters differ"));
    let mut shorter = (*base).clone();
    shorter.steps.pop();
    assert!(difference(&shorter).contains("programs differ"));
    let mut renamed = (*base).clone();
    let network = Arc::make_mut(&mut renamed.network);
    network.network.name = "ä".repeat(100);
    network.network.layers.iter_mut().for_each(|layer| layer.name.push('x'));
    let renamed = Agreement::of(&renamed).unwrap();
    assert_eq!((ours.difference(&renamed), Agreement::read(&renamed.write())), (None, renamed));
}

#[test]
fn a_models_name_depends_on_every_weight_and_on_the_key() {
    let program = program("ring-gc", 8);
    let weights = Weights::random(&program.network, 1);
    let name = ModelId::of(&weights, &[1; 32]);
    assert_eq!(name, ModelId::of(&weights.clone(), &[1; 32]));
    assert_ne!(name, ModelId::of(&weights, &[2; 32]));
    for layer in 0..weights.0.len() {
        let mut other = weights.clone();
        let Some(layer) = &mut other.0[layer] else { continue };
        match layer.weights.last_mut() {
            Some(weight) => *weight ^= 1,
            None => layer.bias[0] ^= 1,
        }
        assert_ne!(name, ModelId::of(&other, &[1; 32]));
    }
}
