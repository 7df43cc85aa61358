#!/usr/bin/env python3
"""Runs a pisim sweep on the workers of a Dask cluster and merges the shards into one folder.

    pip install distributed
    python dask_sweep.py SWEEP.toml --out results                              two workers on this machine
    python dask_sweep.py SWEEP.toml --out results --scheduler tcp://host:8786  workers that run already

Every task is `pisim sweep SWEEP.toml --shard i/n --out FOLDER`. Scheduling, retries and dead workers are Dask's: a task whose
worker is gone runs again elsewhere and goes on with the chunks that its shard has. Workers on other machines need the same
pisim, the files that the sweep names, and a file system that they share with this machine. What follows `--` goes to every
`pisim sweep`, such as `-- --level event --threads 4`.
"""

import argparse
import contextlib
import pathlib
import subprocess
import sys
import time

# What `pisim sweep` says while the process of a worker that is gone still runs in the folder: it may end what it began.
BUSY = "is in use by another process"


def run_shard(command, folder, directory):
    """One task: evaluates a shard in its folder, or what is left of it."""
    while True:
        done = subprocess.run([*command, "--out", folder], cwd=directory, capture_output=True, text=True)
        if done.returncode == 0:
            return folder
        if BUSY not in done.stderr:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
        time.sleep(0.5)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", help="the sweep's file, or a built-in one")
    parser.add_argument("--out", required=True, help="the folder of the merged results; its shards are in OUT.shards")
    parser.add_argument("--shards", type=int, default=16, help="tasks; a few for each worker keep all of them busy (16)")
    parser.add_argument("--scheduler", help="the address or the --scheduler-file of a running one; without it, workers on this machine")
    parser.add_argument("--workers", type=int, default=2, help="workers on this machine (2)")
    parser.add_argument("--retries", type=int, default=3, help="how often Dask repeats a task that fails (3)")
    parser.add_argument("--pisim", default="pisim", help="the program, on every worker")
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[: own.index("--")], own[own.index("--") + 1 :]
    return parser.parse_args(own), more


def cluster(given):
    """A client of the scheduler that was named, or of one with workers on this machine."""
    from distributed import Client, LocalCluster

    if given.scheduler:
        file = pathlib.Path(given.scheduler)
        at = {"scheduler_file": str(file)} if file.is_file() else {"address": given.scheduler}
        return contextlib.nullcontext(), Client(**at)
    local = LocalCluster(n_workers=given.workers, threads_per_worker=1, dashboard_address=None)
    return local, Client(local)


def main():
    given, more = arguments()
    from distributed import as_completed

    here = str(pathlib.Path.cwd())
    shards = [str(pathlib.Path(f"{given.out}.shards").absolute() / str(index)) for index in range(given.shards)]
    pathlib.Path(f"{given.out}.shards").mkdir(parents=True, exist_ok=True)
    commands = [[given.pisim, "sweep", given.sweep, "--shard", f"{i}/{given.shards}", *more] for i in range(given.shards)]
    local, client = cluster(given)
    with local, client:
        # Not pure: the same command does something as long as its folder is not finished.
        tasks = client.map(run_shard, commands, shards, directory=here, retries=given.retries, pure=False)
        for number, task in enumerate(as_completed(tasks), 1):
            print(f"{number} of {given.shards} shards: {task.result()}", file=sys.stderr)
    return subprocess.run([given.pisim, "sweep", "merge", *shards, "--out", given.out]).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImportError as error:
        sys.exit(f"error: {error}; expected `pip install distributed`")
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
