#!/usr/bin/env bash
# One shard of a pisim sweep for every task of a Slurm job array, and a second job that merges them:
#
#   job=$(sbatch --parsable --array=0-15 slurm_sweep.sh run SWEEP.toml RESULTS)
#   sbatch --dependency=afterok:$job slurm_sweep.sh merge RESULTS
#
# Tasks that are requeued or submitted again go on with what their shards have. What follows RESULTS goes to `pisim sweep`.
#SBATCH --job-name=pisim-sweep
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --output=%x-%A-%a.log
set -euo pipefail
pisim=${PISIM:-pisim}
usage="usage: slurm_sweep.sh run SWEEP.toml RESULTS [OPTION…] | merge RESULTS"

case ${1:?$usage} in
run)
    sweep=${2:?$usage} results=${3:?$usage}
    shard=$((${SLURM_ARRAY_TASK_ID:?expected a job array: sbatch --array=0-15} - SLURM_ARRAY_TASK_MIN))
    exec "$pisim" sweep "$sweep" --shard "$shard/$SLURM_ARRAY_TASK_COUNT" --out "$results.shards/$shard" \
        --threads "${SLURM_CPUS_PER_TASK:-1}" "${@:4}"
    ;;
merge)
    results=${2:?$usage}
    exec "$pisim" sweep merge "$results".shards/* --out "$results"
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
