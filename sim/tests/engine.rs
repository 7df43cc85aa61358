//! The event engine on jobs made by hand: every number here can be checked with pencil and paper.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_sim::engine::{Cores, EngineError, Job, Limit, Machine, Schedule, Stretch, Traffic, run};

fn job(unit: usize, work_s: f64, deps: &[usize]) -> Job {
    Job {
        unit,
        phase: 0,
        work_s,
        traffic: None,
        first: Stretch::default(),
        cores: None,
        latency_s: 0.0,
        deps: deps.to_vec(),
    }
}

fn moving(unit: usize, work_s: f64, bytes: f64, memory: usize) -> Job {
    Job { traffic: Some(Traffic { bytes, memory, copy_to: None }), ..job(unit, work_s, &[]) }
}

fn machine(units: usize, memories: &[f64]) -> Machine {
    Machine { units, lanes: vec![], memories: memories.to_vec(), pools: vec![], phases: 1 }
}

/// A job on shared cores: `count` of them keep busy for `work_s`.
fn sharing(unit: usize, work_s: f64, count: f64, deps: &[usize]) -> Job {
    Job { cores: Some(Cores { pool: 0, count }), ..job(unit, work_s, deps) }
}

fn pool(units: usize, memories: &[f64], cores: f64) -> Machine {
    Machine { pools: vec![cores], ..machine(units, memories) }
}

fn ends(schedule: &Schedule) -> Vec<f64> {
    schedule.jobs.iter().map(|job| job.end_s).collect()
}

#[test]
fn bytes_of_one_stretch_do_not_overlap_with_the_work_of_the_other() {
    // 40 bytes at 10 per second with a second of work, then 5 seconds of work with 10 bytes.
    let first = Stretch { work_s: 1.0, bytes: 40.0 };
    let job = Job { first, ..moving(0, 6.0, 50.0, 0) };
    let schedule = run(&machine(1, &[10.0]), std::slice::from_ref(&job)).unwrap();
    assert_eq!((schedule.jobs[0].busy_s, schedule.jobs[0].limit), (9.0, Limit::Work));
    // At half the bandwidth the first stretch takes most of the time; twice the work of the second does not change that.
    let schedule = run(&machine(1, &[5.0]), &[job]).unwrap();
    assert_eq!((schedule.jobs[0].busy_s, schedule.jobs[0].limit), (13.0, Limit::Memory));
}

#[test]
fn one_unit_runs_its_jobs_one_after_the_other() {
    let schedule = run(&machine(1, &[]), &[job(0, 1.0, &[]), job(0, 2.0, &[]), job(0, 4.0, &[])]).unwrap();
    assert_eq!(ends(&schedule), [1.0, 3.0, 7.0]);
    assert_eq!(schedule.phases[0].latency_s, 7.0);
    assert_eq!(schedule.phases[0].unit_busy_s, [7.0]);
}

#[test]
fn units_work_at_the_same_time_and_wait_for_what_they_need() {
    let schedule = run(&machine(2, &[]), &[job(0, 3.0, &[]), job(1, 1.0, &[]), job(1, 1.0, &[0]), job(0, 1.0, &[2])]);
    assert_eq!(ends(&schedule.unwrap()), [3.0, 1.0, 4.0, 5.0]);
}

#[test]
fn a_unit_never_overtakes_its_own_order() {
    // Job 2 is ready at once, but job 1 is ahead of it on unit 1 and waits for job 0.
    let schedule = run(&machine(2, &[]), &[job(0, 5.0, &[]), job(1, 1.0, &[0]), job(1, 1.0, &[])]).unwrap();
    assert_eq!(ends(&schedule), [5.0, 6.0, 7.0]);
}

#[test]
fn latency_delays_dependents_but_not_the_unit() {
    let message = |deps: &[usize]| Job { latency_s: 10.0, ..job(0, 1.0, deps) };
    let schedule = run(&machine(2, &[]), &[message(&[]), message(&[]), job(1, 1.0, &[0, 1])]).unwrap();
    assert_eq!(ends(&schedule), [11.0, 12.0, 13.0]);
    assert_eq!(schedule.phases[0].unit_busy_s, [2.0, 1.0]);
    assert_eq!(schedule.jobs[0].limit, Limit::Latency);
    assert_eq!(schedule.jobs[2].limit, Limit::Work);
}

#[test]
fn two_jobs_that_want_all_cores_get_half_of_them_each() {
    // Both want both cores; the short one ends after 4 s instead of 2, the long one then has 1 s of its work left.
    let schedule = run(&pool(2, &[], 2.0), &[sharing(0, 2.0, 2.0, &[]), sharing(1, 3.0, 2.0, &[])]).unwrap();
    assert_eq!(ends(&schedule), [4.0, 5.0]);
    assert_eq!(schedule.jobs[0].limit, Limit::Cores);
    assert_eq!(schedule.phases[0].pool_core_s, [10.0]);
}

#[test]
fn a_serial_job_keeps_its_core_while_another_has_the_rest() {
    let schedule = run(&pool(2, &[], 2.0), &[sharing(0, 2.0, 1.0, &[]), sharing(1, 2.0, 2.0, &[])]).unwrap();
    // One core each until 2 s; by then half of the parallel job is done, and the rest runs on both cores.
    assert_eq!(ends(&schedule), [2.0, 3.0]);
    assert_eq!((schedule.jobs[0].limit, schedule.jobs[1].limit), (Limit::Work, Limit::Cores));
}

#[test]
fn serial_jobs_on_enough_cores_do_not_disturb_each_other() {
    let schedule = run(&pool(2, &[], 2.0), &[sharing(0, 2.0, 1.0, &[]), sharing(1, 3.0, 1.0, &[])]).unwrap();
    assert_eq!(ends(&schedule), [2.0, 3.0]);
    assert_eq!(schedule.phases[0].unit_busy_s, [2.0, 3.0]);
}

#[test]
fn a_job_that_waits_for_memory_keeps_its_cores() {
    // The mover needs 4 s for its bytes, all the time on one core; so the other job has one core of the two it wants.
    let mover = Job { traffic: Some(Traffic { bytes: 40.0, memory: 0, copy_to: None }), ..sharing(0, 1.0, 1.0, &[]) };
    let schedule = run(&pool(2, &[10.0], 2.0), &[mover, sharing(1, 2.0, 2.0, &[])]).unwrap();
    assert_eq!(ends(&schedule), [4.0, 4.0]);
    assert_eq!((schedule.jobs[0].limit, schedule.jobs[1].limit), (Limit::Memory, Limit::Cores));
}

#[test]
fn a_job_takes_the_longer_of_its_work_and_its_traffic() {
    let alone = |work_s, bytes| run(&machine(1, &[10.0]), &[moving(0, work_s, bytes, 0)]).unwrap().jobs[0];
    assert_eq!((alone(3.0, 20.0).end_s, alone(3.0, 20.0).limit), (3.0, Limit::Work));
    assert_eq!((alone(1.0, 20.0).end_s, alone(1.0, 20.0).limit), (2.0, Limit::Memory));
    assert_eq!((alone(0.0, 20.0).end_s, alone(0.0, 20.0).limit), (2.0, Limit::Memory));
    assert_eq!(alone(3.0, 0.0).end_s, 3.0);
}

#[test]
fn jobs_at_once_share_a_memory_and_speed_up_when_one_ends() {
    // Both could use 10 B/s alone. They share 5 + 5 until the first has moved its 10 bytes at 2 s, then the second has
    // 30 − 10 = 20 bytes left at 10 B/s.
    let schedule = run(&machine(2, &[10.0]), &[moving(0, 0.0, 10.0, 0), moving(1, 0.0, 30.0, 0)]).unwrap();
    assert_eq!(ends(&schedule), [2.0, 4.0]);
    assert_eq!(schedule.phases[0].memory_bytes, [40.0]);
}

#[test]
fn a_job_that_needs_little_bandwidth_is_not_slowed_down() {
    // The first needs 1 B/s for 10 s; the second gets the other 9.
    let schedule = run(&machine(2, &[10.0]), &[moving(0, 10.0, 10.0, 0), moving(1, 0.0, 45.0, 0)]).unwrap();
    assert_eq!(ends(&schedule), [10.0, 5.0]);
}

#[test]
fn a_copy_uses_both_memories() {
    let copy = Job { traffic: Some(Traffic { bytes: 20.0, memory: 0, copy_to: Some(1) }), ..job(0, 0.0, &[]) };
    let schedule = run(&machine(1, &[10.0, 4.0]), &[copy]).unwrap();
    assert_eq!(ends(&schedule), [5.0]);
    assert_eq!(schedule.phases[0].memory_bytes, [20.0, 20.0]);
}

#[test]
fn a_phase_starts_when_the_one_before_has_ended() {
    let late = Job { latency_s: 2.0, ..job(0, 1.0, &[]) };
    let second = Job { phase: 1, ..job(1, 1.0, &[]) };
    let schedule =
        run(&Machine { units: 2, lanes: vec![], memories: vec![], pools: vec![], phases: 3 }, &[second, late]).unwrap();
    assert_eq!(ends(&schedule), [4.0, 3.0]);
    assert_eq!(schedule.phases.iter().map(|phase| phase.latency_s).collect::<Vec<_>>(), [3.0, 1.0, 0.0]);
}

#[test]
fn no_jobs_take_no_time() {
    assert_eq!(run(&machine(1, &[1.0]), &[]).unwrap().phases[0].latency_s, 0.0);
    assert_eq!(
        run(&Machine { units: 0, lanes: vec![], memories: vec![], pools: vec![], phases: 0 }, &[])
            .unwrap()
            .phases
            .len(),
        0
    );
}

#[test]
fn impossible_jobs_are_refused() {
    let one = machine(1, &[1.0]);
    let error = |job: Job| run(&one, &[job]).unwrap_err();
    assert_eq!(error(job(1, 1.0, &[])), EngineError::OutOfRange { job: 0, what: "unit", index: 1, count: 1 });
    assert_eq!(error(job(0, 1.0, &[0])), EngineError::Dependency { job: 0, dep: 0 });
    assert_eq!(error(moving(0, 1.0, 1.0, 3)), EngineError::OutOfRange { job: 0, what: "memory", index: 3, count: 1 });
    assert_eq!(
        error(Job { phase: 1, ..job(0, 1.0, &[]) }),
        EngineError::OutOfRange { job: 0, what: "phase", index: 1, count: 1 }
    );
    assert_eq!(error(job(0, -1.0, &[])), EngineError::Quantity { job: 0, what: "work", value: -1.0 });
    assert!(matches!(error(job(0, f64::NAN, &[])), EngineError::Quantity { what: "work", .. }));
    assert!(matches!(error(moving(0, 1.0, f64::INFINITY, 0)), EngineError::Quantity { what: "bytes", .. }));
    assert!(matches!(run(&machine(1, &[0.0]), &[]).unwrap_err(), EngineError::Bandwidth { memory: 0, .. }));
    let two = [job(0, f64::MAX, &[]), job(0, f64::MAX, &[])];
    assert_eq!(run(&one, &two).unwrap_err(), EngineError::Endless);
    let later = [Job { phase: 1, ..job(0, 1.0, &[]) }, job(0, 1.0, &[0])];
    let phases = Machine { phases: 2, ..one.clone() };
    assert_eq!(run(&phases, &later).unwrap_err(), EngineError::Dependency { job: 1, dep: 0 });
}

#[test]
fn vanishing_rates_do_not_stop_the_clock() {
    // The cap 1e-300 / 1e300 underflows to zero; the job must still end after its work.
    let schedule = run(&machine(2, &[1.0]), &[moving(0, 1e300, 1e-300, 0), moving(1, 0.0, 1.0, 0)]).unwrap();
    assert_eq!(ends(&schedule), [1e300, 1.0]);
}

#[test]
fn a_faster_unit_can_lengthen_a_phase_through_memory_as_documented() {
    // Unit 0's short job lets unit 1's traffic begin. Faster, it begins while the critical transfer of unit 2 is under
    // way, takes half of the bandwidth, and the long work behind that transfer starts later.
    let jobs = |work_s| {
        let after = Job { deps: vec![0], ..moving(1, 0.0, 10.0, 0) };
        vec![job(0, work_s, &[]), after, moving(2, 0.0, 10.0, 0), job(3, 10.0, &[2])]
    };
    let latency = |work_s| run(&machine(4, &[10.0]), &jobs(work_s)).unwrap().phases[0].latency_s;
    assert_eq!((latency(1.0), latency(0.0)), (11.0, 12.0));
}
