//! A sweep on two Dask workers, one of which is killed; and the tasks of a Slurm job array, one after another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]
#![cfg(unix)]

mod common;

use common::Folder;
use common::python;
use common::sweeping::{SWEEP, assert_same, folder, parts};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/distributed").join(name)
}

/// A process and all that it started; killed when dropped.
struct Group(Child);

impl Group {
    fn start(python: &Path, folder: &Folder, arguments: &[&str]) -> Self {
        let mut command = Command::new(python);
        command.args(["-m"]).args(arguments).current_dir(folder.path()).process_group(0);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for something that other processes do.
fn wait_for(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn two_dask_workers_one_of_them_killed_give_the_files_of_one_machine() {
    let Some(python) = python::found("PISIM_DASK", &["distributed"]) else { return };
    let folder = folder();
    folder.write("s.toml", SWEEP.replace("steps = 250", "steps = 1000"));
    folder.json(&["sweep", "s.toml", "--out", "whole"]);
    let at = ["--scheduler-file", "scheduler.json"];
    let serve = ["distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard"];
    let _scheduler = Group::start(&python, &folder, &[&serve[..], &at].concat());
    wait_for("the scheduler starts", || folder.path().join("scheduler.json").exists());
    let work = ["distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"];
    let mut workers = [(); 2].map(|()| Group::start(&python, &folder, &[&work[..], &at].concat()));
    let mut driver = Command::new(&python);
    driver.arg(example("dask_sweep.py")).args(["s.toml", "--out", "dask", "--shards", "4", "--scheduler"]);
    driver.args(["scheduler.json", "--pisim", env!("CARGO_BIN_EXE_pisim"), "--", "--threads", "1"]);
    driver.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut driver = driver.spawn().unwrap();
    let shard = |index: u64| folder.path().join(format!("dask.shards/{index}"));
    // Both workers are in the middle of a shard, and the one that is killed leaves a part of its own.
    wait_for("two shards are begun", || (0..4).filter(|index| !parts(&shard(*index)).is_empty()).count() >= 2);
    workers[0].kill();
    assert!(driver.try_wait().unwrap().is_none(), "it was too fast for a worker to be killed");
    let output = driver.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("4 of 4 shards"), "{told}");
    assert_same(&folder.path().join("dask"), &folder.path().join("whole"));
}

/// Runs the script of the job array as Slurm would, with its variables.
fn slurm(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
    let mut script = Command::new("bash");
    script.arg(example("slurm_sweep.sh")).args(arguments).current_dir(folder.path());
    python::output(script.env("PISIM", env!("CARGO_BIN_EXE_pisim")).envs(variables.iter().copied()))
}

#[test]
fn the_tasks_of_a_slurm_array_give_the_files_of_one_machine() {
    let folder = folder();
    folder.json(&["sweep", "s.toml", "--out", "whole", "--level", "closed-form"]);
    for task in ["5", "4", "6"] {
        let variables = [
            ("SLURM_ARRAY_TASK_ID", task),
            ("SLURM_ARRAY_TASK_MIN", "4"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_CPUS_PER_TASK", "2"),
        ];
        slurm(&folder, &variables, &["run", "s.toml", "out/r", "--level", "closed-form"]).unwrap();
    }
    slurm(&folder, &[], &["merge", "out/r"]).unwrap();
    assert_same(&folder.path().join("out/r"), &folder.path().join("whole"));
    assert!(slurm(&folder, &[], &["run", "s.toml", "r"]).unwrap_err().contains("expected a job array"));
}
