//! Precomputes between two processes: used once, refused where they do not belong, whole after crashes and full disks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]
#![cfg(unix)]

mod common;

use common::Folder;
use common::serving::*;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn a_precompute_answers_once_and_outlives_both_processes() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    let made = answer(&folder, serving.address(), &["--offline", "--store", "client", "--count", "2"]);
    assert_eq!((made["precomputes"].as_array().unwrap().len(), &made["stored"]), (2, &2.into()));
    assert_eq!((finished(&folder, "client"), finished(&folder, "server")), (2, 2));
    serving.stop();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    for left in [1, 0] {
        let seed = format!("seed:{left}");
        let answer = answer(&folder, serving.address(), &["--store", "client", "--input", &seed]);
        assert_eq!(answer["outputs"], seeded_reference(left as u64));
        assert_eq!(answer["bytes"], answer["predicted_bytes"]);
        assert!(made["precomputes"].as_array().unwrap().contains(&answer["precompute"]));
        assert_eq!((finished(&folder, "client"), entries(&folder, "server").len()), (left, left));
    }
    let error = folder.refusal_line(&client_args(serving.address(), &["--store", "client", "--input", "seed:1"]));
    assert!(error.contains("has no precompute for this program and this server"), "{error}");
}

#[test]
fn precomputes_of_other_weights_programs_servers_or_lives_are_not_used() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    ask(&folder, serving.address(), &["--offline", "--store", "client"]);
    serving.stop();
    let unused = |args: &[&str], client: &[&str]| {
        let serving = Serving::start(&folder, args);
        let args = [&["--store", "client", "--input", "seed:1"], client].concat();
        let error = folder.refusal_line(&client_args(serving.address(), &args));
        assert!(error.contains("no precompute for this program and this server (1 for others or in use)"), "{error}");
        serving.stop();
    };
    unused(&["--seed", "6", "--store", "server"], &[]);
    unused(&["--seed", "5", "--store", "another"], &[]);
    unused(&["--seed", "5"], &[]);
    unused(&["--seed", "5", "--store", "server", "-p", "ring-gc-client"], &["-p", "ring-gc-client"]);
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    let answer = answer(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
    assert_eq!(answer["outputs"], seeded_reference(1), "it is still there for whom it was made");
}

#[test]
fn a_server_without_a_store_keeps_precomputes_in_memory() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--max-stored", "1"]);
    assert!(serving.greeting["precomputes"].as_str().unwrap().contains("in memory"));
    ask(&folder, serving.address(), &["--offline", "--store", "client"]);
    let error = folder.pisim(&client_args(serving.address(), &["--offline", "--store", "client"])).stderr;
    assert!(error.contains("as many precomputes as it may"), "{error}");
    let first = answer(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
    assert_eq!(first["outputs"], seeded_reference(1));
    assert!(answer(&folder, serving.address(), &["--offline", "--store", "client"])["stored"] == 1);
}

#[test]
fn two_clients_with_one_precompute_get_one_answer() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    for _ in 0..3 {
        ask(&folder, serving.address(), &["--offline", "--store", "client"]);
        let args = ["--store", "client", "--input", "seed:1"];
        let clients = [(); 3].map(|()| start_client(&folder, serving.address(), &args));
        let codes = clients.map(|client| client.wait_with_output().unwrap().status.code());
        assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    }
}

#[test]
fn a_used_precompute_from_a_backup_is_refused_by_the_server_and_a_changed_one_by_its_owner() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    let id = answer(&folder, serving.address(), &["--offline", "--store", "client"])["precomputes"][0].clone();
    let entry = folder.path().join("client").join(format!("{}.client", id.as_str().unwrap()));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    let backup = folder.path().join("backup");
    copy(&entry, &backup);
    ask(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
    assert!(!entry.exists());
    copy(&backup, &entry);
    let error = ask(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
    assert!(error.code == Some(2) && error.stderr.contains("no precompute"), "{}", error.stderr);
    assert!(!entry.exists(), "a half without the other is of no use");
    // A byte of the tables changes.
    for (party, store) in [("client", "client"), ("server", "server")] {
        let id = answer(&folder, serving.address(), &["--offline", "--store", "client"])["precomputes"][0].clone();
        let path = folder.path().join(store).join(format!("{}.{party}/records", id.as_str().unwrap()));
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = ask(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
        let says = if party == "client" { "was tampered with" } else { "its log says why" };
        assert!(error.code == Some(2) && error.stderr.contains(says), "{}", error.stderr);
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    assert!(serving.stop().contains("was tampered with"));
}

#[test]
fn a_full_disk_is_an_error_on_either_side_and_leaves_no_half_precompute() {
    let folder = Folder::new();
    let serving = Serving::seeded(&folder, &["--store", "server"]);
    ask(&folder, serving.address(), &["--offline", "--store", "client"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", FULL_DISK, env!("CARGO_BIN_EXE_pisim")]);
    shell.args(client_args(serving.address(), &["--offline", "--store", "client"]));
    let output = shell.current_dir(folder.path()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && error.contains("storage"), "{error}");
    assert_eq!((entries(&folder, "client").len(), finished(&folder, "server")), (1, 1));
    let answer = answer(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
    assert_eq!(answer["outputs"], seeded_reference(1), "nothing was lost");
    // With the garbler at the client, it is the server that keeps the tables.
    let roles = ["-p", "ring-gc-client"];
    let full = Serving::on_a_full_disk(&folder, &[&roles[..], &["--store", "full"]].concat());
    let offline = [&roles[..], &["--offline", "--store", "client"]].concat();
    let error = folder.pisim(&client_args(full.address(), &offline));
    assert!(error.code == Some(2), "{}", error.stderr);
    assert_eq!((entries(&folder, "client").len(), entries(&folder, "full").len()), (0, 0));
    assert!(full.stop().contains("the storage of prepared inferences failed"));
}

/// Kills one side at moments spread over the time of a whole exchange, again and again.
#[test]
fn a_kill_at_any_moment_loses_and_corrupts_no_precompute() {
    let rounds: u64 = std::env::var("PISIM_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10);
    let folder = Folder::new();
    let mut serving = Serving::seeded(&folder, &["--store", "server"]);
    ask(&folder, serving.address(), &["--offline", "--store", "client", "--count", "2"]);
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for round in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let online = round % 4 >= 2;
        let args: &[&str] =
            if online { &["--store", "client", "--input", "seed:1"] } else { &["--offline", "--store", "client"] };
        let before = finished(&folder, "client");
        let mut client = start_client(&folder, serving.address(), args);
        sleep(Duration::from_micros((random >> 33) % if online { 120_000 } else { 700_000 }));
        if round % 2 == 0 {
            client.kill().unwrap();
            client.wait().unwrap();
        } else {
            serving.process.kill().unwrap();
            client.wait().unwrap();
            serving = Serving::seeded(&folder, &["--store", "server"]);
        }
        let after = finished(&folder, "client");
        let possible = if online { before - 1..=before } else { before..=before + 1 };
        assert!(possible.contains(&after), "round {round}: {before} → {after}");
        assert!(finished(&folder, "server") >= after, "round {round}: the client has one that the server lacks");
        if after == 0 {
            ask(&folder, serving.address(), &["--offline", "--store", "client"]);
        }
    }
    // The server may still be busy with a client that was killed.
    let mut left = finished(&folder, "client");
    while left > 0 {
        let answer = answer(&folder, serving.address(), &["--store", "client", "--input", "seed:1"]);
        assert_eq!(answer["outputs"], seeded_reference(1));
        left -= 1;
        assert_eq!(finished(&folder, "client"), left);
    }
    assert!(entries(&folder, "client").is_empty(), "leftovers are removed: {:?}", entries(&folder, "client"));
}
