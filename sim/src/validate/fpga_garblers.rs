//! Two published FPGA garblers, MAXelerator and FASE, against the platforms of their class.
//!
//! Both published times are of garbling alone, so that memory never limits here; the platforms themselves have one DDR4 channel,
//! which takes longer. Circuits are EMP's without the gates that nothing reads: theirs are TinyGarble's of the same functions, which
//! come from logic synthesis.

use super::haac_runs;
use super::model::Model;
use super::targets::{About, case};
use super::{Limits, Set, Target, ValidateError};
use pisim_hw_models::gc::{Gate, MemoryPort, Netlist, Role};
use pisim_hw_models::{GcEngine, Platform};
use rayon::prelude::*;

/// Where FASE's times are from.
pub(super) const FASE: &str = "FASE (FCCM'19) by HAAC's Table 5; its RTL's latencies, 100 MHz";
/// Where MAXelerator's are from.
pub(super) const MAXELERATOR: &str = "MAXelerator (DAC'18): 3b cycles of 5 ns per MAC, cores as recalled";

/// The garbler of a built-in platform.
fn engine(platform: &'static str) -> Result<GcEngine, ValidateError> {
    let missing = || ValidateError::Data { table: platform, problem: "there is no `server.gc_engine`".into() };
    Platform::builtin(platform)?.server.gc_engine.ok_or_else(missing)
}

/// A generator's circuit without the gates that no output follows from.
fn netlist(name: &str) -> Result<Netlist, ValidateError> {
    Ok(without_dead_gates(&haac_runs::netlist(name)?))
}

fn without_dead_gates(netlist: &Netlist) -> Netlist {
    let inputs = netlist.inputs as usize;
    let mut alive = vec![false; inputs + netlist.gates.len()];
    let mark = |alive: &mut Vec<bool>, wire: u32| {
        if let Some(slot) = alive.get_mut(wire as usize) {
            *slot = true;
        }
    };
    netlist.outputs.iter().for_each(|wire| mark(&mut alive, *wire));
    for (index, gate) in netlist.gates.iter().enumerate().rev() {
        if alive.get(inputs + index).copied().unwrap_or(false) {
            [gate.a, gate.b].into_iter().for_each(|wire| mark(&mut alive, wire));
        }
    }
    // Where the wires that stay have gone to.
    let mut next = netlist.inputs;
    let mut places: Vec<u32> = (0..netlist.inputs).collect();
    for kept in alive.iter().skip(inputs) {
        places.push(next);
        next += u32::from(*kept);
    }
    let place = |wire: u32| places.get(wire as usize).copied().unwrap_or(wire);
    let kept = netlist.gates.iter().zip(alive.iter().skip(inputs)).filter(|(_, alive)| **alive);
    Netlist {
        gates: kept.map(|(gate, _)| Gate { op: gate.op, a: place(gate.a), b: place(gate.b) }).collect(),
        outputs: netlist.outputs.iter().map(|wire| place(*wire)).collect(),
        ..netlist.clone()
    }
}

/// Microseconds of garbling.
fn garbling_us(engine: &GcEngine, netlist: &Netlist) -> Result<f64, ValidateError> {
    let program = engine.compile(netlist)?;
    Ok(1e6 * engine.run(&program, Role::Garble, MemoryPort::UNBOUNDED)?.seconds)
}

/// FASE's rows. The clock is the RTL's constraint, which Million-8 confirms (130 cycles at 100 MHz, 260 at 200); all else is from
/// the RTL.
pub(super) fn fase(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let engine = engine("fpga-fase")?;
    let whole = |name: &str| garbling_us(&engine, &netlist(name)?);
    // A netlist is garbled in sequential cycles, one multiply-accumulate each, as the RTL's `cid` counts them.
    let products = 125.0 * whole("mac:8")?;
    let million = case("Million-8", 1.30, whole("greater:8")?);
    let others = vec![
        case("Hamm-50", 3.35, whole("hamming:50")?),
        case("AES-128", 439.0, whole("aes128")?),
        case("5x5Matx-8, in 125 sequential cycles", 438.0, products),
        case("Mult-32", 52.5, whole("mult:32")?),
    ];
    let [calibrated, seen] = [Limits { mean: 20.0, max: 20.0 }, Limits { mean: 30.0, max: 65.0 }];
    Ok(vec![
        Target::new(about, "-", Set::Fitted, calibrated, vec![million]).noted(FASE_MISS),
        Target::new(about, "-", Set::Seen, seen, others).noted(FASE_MISS),
    ])
}

/// What is known of FASE's differences.
const FASE_MISS: &str = "circuits are EMP's, FASE's come from synthesis and are scheduled for its pipeline: Hamm-50 has 95 ANDs here, a tree of \
    full adders 45; the clock alone is fitted, but how the label memory is shared was chosen with these rows in view";

/// Words, cores for them, and matrices of MAXelerator's times.
const PRODUCTS: [(u32, u64, u32); 3] = [(8, 8, 5), (16, 14, 3), (32, 24, 3)];

/// Cycles of one multiply-accumulate per bit.
const CYCLES_PER_BIT: f64 = 3.0;

/// MAXelerator's rows: products of square matrices, one after another on as many cores as it has for their words.
pub(super) fn maxelerator(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let shipped = engine("fpga-maxelerator")?;
    let row = |(bits, engines, size): (u32, u64, u32)| {
        // As many banks per engine as the platform has.
        let banks = shipped.wire_banks * engines / shipped.engines;
        let engine = GcEngine { engines, wire_banks: banks, ..shipped.clone() };
        let netlist = netlist(&format!("matmul:{size}x{size}x{size}:{bits}"))?;
        let macs = f64::from(size * size * size);
        let published = 1e6 * macs * CYCLES_PER_BIT * f64::from(bits) / shipped.clock_hz;
        Ok(case(format!("{size}x{size}Matx-{bits}"), published, garbling_us(&engine, &netlist)?))
    };
    let cases = PRODUCTS.into_par_iter().map(row).collect::<Result<_, ValidateError>>()?;
    let why = "MAXelerator's cores XOR beside their ANDs in a fixed schedule, engines take one gate per cycle of either kind: what wide \
               words need more of; order and banks were chosen with these rows in view; the third row is the recalled 3b cycles, not a published time";
    Ok(vec![Target::new(about, "-", Set::Seen, Limits { mean: 25.0, max: 45.0 }, cases).noted(why)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_gates_go_and_nothing_else_changes() {
        let gate = |a, b| Gate { op: pisim_hw_models::gc::Op::And, a, b };
        // Gates 2 and 4 lead nowhere.
        let gates = vec![gate(0, 1), gate(2, 1), gate(2, 0), gate(4, 0), gate(3, 4)];
        let netlist = Netlist { inputs: 2, gates, outputs: vec![5], ..Netlist::default() };
        let found = without_dead_gates(&netlist);
        assert_eq!((found.gates, found.outputs), (vec![gate(0, 1), gate(2, 0), gate(3, 0)], vec![4]));
    }
}
