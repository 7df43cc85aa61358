//! A server process, clients that ask it, and what the integer reference answers.

use super::{Answer, Folder};
use pisim_netgen::{FixedNetwork, NetworkSpec, Weights, infer, random_input};
use pisim_protocol::Protocol;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A network that takes a moment: every kind of step and 2,000 ReLUs.
pub const SMALL: [&str; 4] = ["-n", "resnet20", "--base-channels", "1"];
pub const SEED: u64 = 5;

/// Runs a program under a limit of 256 KiB for every file.
pub const FULL_DISK: &str = r#"trap '' XFSZ; ulimit -f 256; exec "$0" "$@""#;

/// A running `pisim serve`; killed when dropped.
pub struct Serving {
    pub process: Child,
    pub greeting: Value,
}

impl Serving {
    pub fn start(folder: &Folder, args: &[&str]) -> Self {
        Self::run(folder, Command::new(env!("CARGO_BIN_EXE_pisim")), args)
    }

    /// A server for which writing beyond 256 KiB fails as on a full disk.
    pub fn on_a_full_disk(folder: &Folder, args: &[&str]) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["-c", FULL_DISK, env!("CARGO_BIN_EXE_pisim")]);
        Self::run(folder, shell, &[&["--seed", &SEED.to_string()], args].concat())
    }

    pub fn run(folder: &Folder, command: Command, args: &[&str]) -> Self {
        Self::offering(folder, command, &[&SMALL[..], &["--input", "8"], args].concat())
    }

    /// A server of whatever network the arguments name.
    pub fn offering(folder: &Folder, mut command: Command, args: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]).args(args);
        command.current_dir(folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let greeting = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Self { process, greeting }
    }

    pub fn seeded(folder: &Folder, args: &[&str]) -> Self {
        Self::start(folder, &[&["--seed", &SEED.to_string()], args].concat())
    }

    pub fn address(&self) -> &str {
        self.greeting["listening"].as_str().unwrap()
    }

    pub fn signal(&self, name: &str) {
        signal(&self.process, name);
    }

    /// Waits for its end; exit code and what it logged.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let code = self.process.wait().unwrap().code();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }

    /// Ctrl-C, and then as [`Serving::end`].
    pub fn stop(mut self) -> String {
        self.signal("INT");
        let (code, log) = self.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("panicked"), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn signal(process: &Child, name: &str) {
    Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status().unwrap();
}

pub fn client_args<'a>(address: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [&["infer"], &SMALL[..], &["--input-size", "8", "--connect", address], args].concat()
}

pub fn ask(folder: &Folder, address: &str, args: &[&str]) -> Answer {
    folder.pisim(&client_args(address, args))
}

pub fn answer(folder: &Folder, address: &str, args: &[&str]) -> Value {
    folder.json(&client_args(address, args))
}

/// Starts a client without waiting for it.
pub fn start_client(folder: &Folder, address: &str, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pisim"));
    command.args(client_args(address, args)).current_dir(folder.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Precomputes and leftovers of one party in a store.
pub fn entries(folder: &Folder, store: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.path().join(store)) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains('.') && !name.starts_with("key")).collect()
}

pub fn finished(folder: &Folder, store: &str) -> usize {
    entries(folder, store).iter().filter(|name| name.ends_with(".client") || name.ends_with(".server")).count()
}

pub fn network() -> FixedNetwork {
    let mut spec = NetworkSpec::named("resnet20").unwrap();
    (spec.input_size, spec.base_channels) = (8, Some(1));
    FixedNetwork::new(&spec.build().unwrap(), Protocol::load("ring-gc").unwrap().format).unwrap()
}

/// What the integer reference answers.
pub fn reference(input: &[i64]) -> Value {
    let network = network();
    infer(&network, &Weights::random(&network, SEED), input).unwrap().outputs.into()
}

pub fn seeded_reference(seed: u64) -> Value {
    let network = network();
    reference(&random_input(network.network.input, network.format, seed))
}
