//! Inferences that are prepared now and answered later, in memory and through a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_backend::{Channel, Client, Counter, Prepared, Server, Storage, Trace, memory_pair};
use pisim_netgen::{NetworkSpec, Weights, infer, random_input};
use pisim_protocol::{Party, Program, Protocol, lower};
use pisim_tests::seeds;
use std::sync::Arc;
use std::thread;

const PROTOCOLS: [&str; 4] = ["ring-gc", "ring-gc-client", "delphi", "delphi-client"];

/// A small network, and for Delphi a smaller one.
fn program(protocol: &str) -> Arc<Program> {
    let (name, channels, size) = if protocol.starts_with("delphi") { ("minionn", 1, 6) } else { ("resnet20", 2, 16) };
    let mut spec = NetworkSpec::named(name).unwrap();
    (spec.base_channels, spec.input_size) = (Some(channels), size);
    Arc::new(lower(&spec.build().unwrap(), &Protocol::load(protocol).unwrap()).unwrap())
}

/// Runs the two sides of one connection, the server in its own thread.
fn both<C, S: Send + 'static>(
    client: impl FnOnce(Channel, Arc<Counter>) -> C,
    server: impl FnOnce(Channel, Arc<Counter>) -> S + Send + 'static,
) -> (C, S) {
    let (client_end, server_end) = memory_pair();
    let server = thread::spawn(move || {
        let counter = Arc::new(Counter::default());
        server(Channel::new(Box::new(server_end), Party::Server, counter.clone()), counter)
    });
    let counter = Arc::new(Counter::default());
    let client = client(Channel::new(Box::new(client_end), Party::Client, counter.clone()), counter);
    (client, server.join().unwrap())
}

type Half = (Prepared, Trace);

fn prepare(program: &Arc<Program>, weights: &Arc<Weights>, storage: fn() -> Storage) -> (Half, Half) {
    let [client_seed, server_seed] = seeds(4);
    let (theirs, weights) = (program.clone(), weights.clone());
    both(
        |channel, counter| {
            let client = Client::new(program.clone(), channel, counter, client_seed, storage()).unwrap();
            client.prepare(&mut |_| {}).unwrap()
        },
        move |channel, counter| {
            let server = Server::new(theirs, channel, counter, server_seed, storage(), weights).unwrap();
            server.prepare(&mut |_| {}).unwrap()
        },
    )
}

/// What a process that starts later finds: the file and its index.
fn reopened(prepared: Prepared, file: &std::path::Path) -> Prepared {
    let index = prepared.into_storage().finish().unwrap();
    Prepared::new(Storage::open(std::fs::File::open(file).unwrap(), index).unwrap())
}

fn answer(
    program: &Arc<Program>,
    weights: &Arc<Weights>,
    client: Prepared,
    server: Prepared,
) -> (Vec<i64>, [Trace; 2]) {
    let input = random_input(program.network.network.input, program.network.format, 4);
    let (theirs, weights) = (program.clone(), weights.clone());
    let ((outputs, client), server) = both(
        |channel, counter| {
            let client = Client::resume(program.clone(), channel, counter, client).unwrap();
            client.answer(input, &mut |_| {}).unwrap()
        },
        move |channel, counter| {
            let server = Server::resume(theirs, channel, counter, server, weights).unwrap();
            server.answer(&mut |_| {}).unwrap()
        },
    );
    (outputs, [client, server])
}

#[test]
fn a_prepared_inference_answers_later_as_the_reference_does_with_the_predicted_work() {
    for protocol in PROTOCOLS {
        let program = program(protocol);
        let weights = Arc::new(Weights::random(&program.network, 4));
        let input = random_input(program.network.network.input, program.network.format, 4);
        let reference = infer(&program.network, &weights, &input).unwrap().outputs;
        let (client, server) = prepare(&program, &weights, || Storage::in_memory(u64::MAX));
        let (outputs, [client_online, server_online]) = answer(&program, &weights, client.0, server.0);
        assert_eq!(outputs, reference);
        let (client, server) = (client.1.and(&client_online), server.1.and(&server_online));
        for step in &program.steps {
            let counted = client.work[step.id.0] + server.work[step.id.0];
            assert_eq!(step.work.differences(&counted), [], "step {} ({:?})", step.id.0, step.kind);
        }
    }
}

#[test]
fn files_keep_exactly_the_predicted_bytes_and_lead_to_the_same_answer() {
    for protocol in PROTOCOLS {
        let program = program(protocol);
        let weights = Arc::new(Weights::random(&program.network, 4));
        let folder = tempfile::tempdir().unwrap();
        let paths = ["client", "server"].map(|name| folder.path().join(name));
        let create = |path: &std::path::Path| {
            std::fs::File::options().create_new(true).read(true).write(true).open(path).unwrap()
        };
        let [client_seed, server_seed] = seeds(4);
        let (client_file, server_file) = (create(&paths[0]), create(&paths[1]));
        let (theirs, their_weights) = (program.clone(), weights.clone());
        let ((client, _), (server, _)) = both(
            |channel, counter| {
                let storage = Storage::in_file(client_file);
                let client = Client::new(program.clone(), channel, counter, client_seed, storage).unwrap();
                client.prepare(&mut |_| {}).unwrap()
            },
            move |channel, counter| {
                let storage = Storage::in_file(server_file);
                let server = Server::new(theirs, channel, counter, server_seed, storage, their_weights).unwrap();
                server.prepare(&mut |_| {}).unwrap()
            },
        );
        let work = program.work_of(|_| true);
        let bytes = paths.each_ref().map(|path| std::fs::metadata(path).unwrap().len());
        assert_eq!(bytes, [work.stored_client_bytes, work.stored_server_bytes]);
        let (client, server) = (reopened(client, &paths[0]), reopened(server, &paths[1]));
        let input = random_input(program.network.network.input, program.network.format, 4);
        let reference = infer(&program.network, &weights, &input).unwrap().outputs;
        assert_eq!(answer(&program, &weights, client, server).0, reference);
    }
}

#[test]
fn a_garbling_client_stores_little_and_the_server_the_tables() {
    let stored = |protocol| {
        let work = program(protocol).work_of(|_| true);
        (work.stored_client_bytes, work.stored_server_bytes)
    };
    let (server_garbler, client_garbler) = (stored("ring-gc"), stored("ring-gc-client"));
    assert!(client_garbler.0 * 1000 < server_garbler.0);
    assert!(client_garbler.1 >= server_garbler.0 - server_garbler.1);
}
