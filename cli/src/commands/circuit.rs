//! `pisim hardware circuit`.

use crate::args::{CircuitArgs, Side};
use crate::files::write_whole;
use crate::output::{Output, table};
use anyhow::{Context, Result, bail};
use pisim_hw_models::gc::{Detailed, EngineCycles, Floors, Order, Role, Traffic};
use pisim_hw_models::{PartyHardware, Platform};
use pisim_protocol::netlist::circuit;
use pisim_reports::format::{exact, joules, seconds};
use pisim_sim::circuits::{memory_port, with_constants};
use serde::Serialize;

#[derive(Serialize)]
struct Answer {
    circuit: String,
    gates: u64,
    and: u64,
    xor: u64,
    inv: u64,
    and_depth: u64,
    levels: u64,
    cycles: u64,
    seconds: f64,
    table_bytes: u64,
    energy_j: f64,
    hardware: String,
    party: &'static str,
    role: Role,
    order: Order,
    engines: u64,
    /// Gates that take an engine's time: XORs with public constants do not.
    executed_gates: u64,
    /// Which of the floors is the highest.
    bound: pisim_hw_models::gc::Bound,
    floor_cycles: Floors,
    /// Cycles of all engines by cause; their sum is engines × cycles.
    engine_cycles: EngineCycles,
    memory_bytes: Traffic,
    /// Engines and on-chip memory.
    engine_energy_j: f64,
    /// Off-chip memory.
    memory_energy_j: f64,
    /// Labels that the wire memory holds.
    window_labels: u64,
    /// The file that the circuit was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

pub fn run(args: &CircuitArgs, output: Output) -> Result<()> {
    let platform = Platform::named_or_file(&args.hardware)?;
    let (party, hardware) = side(&platform, args.party)?;
    let Some(engine) = &hardware.gc_engine else {
        bail!("{}: its {party} has no GC engine; expected a platform with `[{party}.gc_engine]`", args.hardware);
    };
    let engine = args.order.map_or_else(|| engine.clone(), |order| engine.with_order(order.into()));
    let named = circuit(&args.circuit)?;
    let role = args.role.into();
    let port = memory_port(&engine, &hardware.memory);
    let cannot = || format!("{} cannot run on the {party}'s GC engine of {}", args.circuit, args.hardware);
    let netlist = with_constants(&named.netlist.circuit, &named.netlist.constants);
    let program = engine.compile(&netlist).with_context(cannot)?;
    let result = engine.run(&program, role, port).with_context(cannot)?;
    let Detailed { cycles, seconds, engine_cycles, traffic, energy_j: engine_energy_j } = result;
    let floor_cycles = engine.floors(&program, role, port);
    let memory_energy_j = hardware.memory.energy_j(traffic.total());
    let answer = Answer {
        circuit: named.name,
        gates: named.stats.gates,
        and: named.stats.and,
        xor: named.stats.xor,
        inv: named.stats.inv,
        and_depth: named.stats.and_depth,
        levels: named.stats.levels,
        cycles,
        seconds,
        table_bytes: traffic.tables,
        energy_j: engine_energy_j + memory_energy_j,
        hardware: platform.name,
        party,
        role,
        order: engine.order,
        engines: engine.engines,
        executed_gates: program.counts().total(),
        bound: floor_cycles.bound(),
        floor_cycles,
        engine_cycles,
        memory_bytes: traffic,
        engine_energy_j,
        memory_energy_j,
        window_labels: program.window(),
        output: args.output.as_ref().map(|path| path.display().to_string()),
    };
    if let Some(path) = &args.output {
        let mut file = Vec::new();
        named.netlist.write_bristol(&mut file)?;
        write_whole(path, &file)?;
    }
    output.print(&answer, || text(&answer))
}

/// The party whose engine is asked for: the server, unless only the client has one.
fn side(platform: &Platform, asked: Option<Side>) -> Result<(&'static str, &PartyHardware)> {
    let (client, server) = (&platform.client, &platform.server);
    let only_client = client.gc_engine.is_some() && server.gc_engine.is_none();
    Ok(match asked {
        Some(Side::Client) => ("client", client),
        None if only_client => ("client", client),
        Some(Side::Server) | None => ("server", server),
    })
}

fn text(answer: &Answer) -> String {
    let Answer { floor_cycles: floors, engine_cycles: spent, memory_bytes: bytes, .. } = answer;
    let head = format!(
        "{}: {} gates ({} AND, {} XOR, {} INV), {} levels, {} ANDs deep\n\
         {} on {}'s {}, {} gate engine{}, {} order\n\
         {} cycles, {}; {} without static power ({} engines, {} memory); bound by {}",
        answer.circuit,
        exact(answer.gates),
        exact(answer.and),
        exact(answer.xor),
        exact(answer.inv),
        exact(answer.levels),
        exact(answer.and_depth),
        if answer.role == Role::Garble { "garbled" } else { "evaluated" },
        answer.hardware,
        answer.party,
        answer.engines,
        if answer.engines == 1 { "" } else { "s" },
        name(&answer.order),
        exact(answer.cycles),
        seconds(answer.seconds),
        joules(answer.energy_j),
        joules(answer.engine_energy_j),
        joules(answer.memory_energy_j),
        name(&answer.bound),
    );
    let floor = |what: &str, cycles: u64| [what.to_owned(), exact(cycles), share(cycles, answer.cycles)];
    let floor_rows = [
        floor("issue: gates over engines", floors.issue),
        floor("banks: writes over ports", floors.banks),
        floor("memory: bytes over bandwidth", floors.memory),
        floor("chain: longest path", floors.chain),
    ];
    let spend = |what: &str, cycles: u64| {
        let mean = cycles as f64 / answer.engines as f64;
        [what.to_owned(), format!("{mean:.1}"), share(cycles, spent.total())]
    };
    let spent_rows = [
        spend("gates issued", spent.issue),
        spend("waiting for operands", spent.dependence),
        spend("waiting for memory", spent.memory),
        spend("waiting for banks", spent.bank),
        spend("fill and drain", spent.fill_drain),
    ];
    let stream = |what: &str, moved: u64| [what.to_owned(), exact(moved), share(moved, bytes.total())];
    let stream_rows = [
        stream("instructions", bytes.instructions),
        stream("tables", bytes.tables),
        stream("labels read back", bytes.wires_read),
        stream("labels written back", bytes.wires_written),
        stream("input labels", bytes.inputs),
    ];
    let mut parts = vec![
        head,
        table(&["no schedule is below", "cycles", "of all"], &[1, 2], floor_rows),
        table(&["an engine's cycles", "cycles", "share"], &[1, 2], spent_rows),
        table(&["memory stream", "bytes", "share"], &[1, 2], stream_rows),
    ];
    parts.extend(answer.output.iter().map(|path| format!("{path} written")));
    parts.join("\n")
}

/// The name that a value has in JSON.
fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}
