//! The Verilog that holds all cores: one module per core that maps its ports to buses of one kind, and the bench,
//! which passes the clock and the valid bit to one of them: the others stand still and cost no time.

use super::cores::{Port, Ports, Vectors};
use pisim_hw_models::rtl::Core;
use std::fmt::Write;

/// A port's hexadecimal digits: ports lie on whole ones, so that values are put together as text.
pub fn digits(bits: usize) -> usize {
    bits.div_ceil(4)
}

/// The bits of a bus with these ports.
fn bus(ports: &[Port]) -> usize {
    4 * ports.iter().map(|(_, bits)| digits(*bits)).sum::<usize>()
}

/// Each port's lowest bit on the bus, the first port in the highest digits.
fn places(ports: &[Port]) -> Vec<usize> {
    (0..ports.len()).map(|port| bus(&ports[port + 1..])).collect()
}

/// The widest bus of a kind, and at least 65 bits, for which Verilator has arrays.
fn widest(all: &[Vectors], ports: impl Fn(&Ports) -> &[Port]) -> usize {
    all.iter().map(|vectors| bus(ports(&vectors.ports))).max().unwrap_or(0).max(65)
}

/// The bench of these cores.
pub fn bench(cores: &[Core], vectors: &[Vectors]) -> String {
    let statics = widest(vectors, |ports| &ports.statics);
    let operands = widest(vectors, |ports| &ports.inputs);
    let results = widest(vectors, |ports| &ports.outputs);
    let widths = [statics, operands, results];
    let mut text = String::new();
    let (mut instances, mut choices) = (String::new(), String::new());
    for (number, (core, vectors)) in cores.iter().zip(vectors).enumerate() {
        text += &wrapper(core, &vectors.ports, widths);
        let name = &core.name;
        write!(
            instances,
            "  wire clk_{number} = clk && select == {number};\n  wire valid_{number};\n  \
             wire [{high}:0] results_{number};\n  core_{name} {name}_{number} (.clk(clk_{number}), \
             .valid_in(valid_in && select == {number}), .statics(statics), .operands(operands), \
             .valid_out(valid_{number}), .results(results_{number}));\n",
            high = results - 1,
        )
        .unwrap();
        writeln!(choices, "      {number}: {{valid_out, results}} = {{valid_{number}, results_{number}}};").unwrap();
    }
    let [statics, operands, results] = widths.map(|bits| bits - 1);
    text + &format!(
        "module bench (input clk, input [7:0] select, input valid_in, input [{statics}:0] statics,\n    \
         input [{operands}:0] operands, output reg valid_out, output reg [{results}:0] results);\n{instances}  \
         always @*\n    case (select)\n{choices}      default: {{valid_out, results}} = 0;\n    endcase\nendmodule\n"
    )
}

/// One core behind buses.
fn wrapper(core: &Core, ports: &Ports, [statics, operands, results]: [usize; 3]) -> String {
    let mut connections = String::new();
    for (bus, ports) in [("statics", &ports.statics), ("operands", &ports.inputs)] {
        for ((name, bits), place) in ports.iter().zip(places(ports)) {
            write!(connections, ", .{name}({bus}[{place}+:{bits}])").unwrap();
        }
    }
    // Each result on whole digits, and zeros above all of them.
    let (mut wires, mut parts) = (String::new(), zeros(results - bus(&ports.outputs)));
    for (name, bits) in &ports.outputs {
        writeln!(wires, "  wire [{}:0] {name};", bits - 1).unwrap();
        write!(connections, ", .{name}({name})").unwrap();
        parts.extend(zeros(4 * digits(*bits) - bits));
        parts.push((*name).to_owned());
    }
    format!(
        "module core_{} (input clk, input valid_in, input [{}:0] statics, input [{}:0] operands,\n    \
         output valid_out, output [{}:0] results);\n{wires}  assign results = {{{}}};\n  {} (.clk(clk), \
         .valid_in(valid_in), .valid_out(valid_out){connections});\nendmodule\n",
        core.name,
        statics - 1,
        operands - 1,
        results - 1,
        parts.join(", "),
        instance(core),
    )
}

fn zeros(bits: usize) -> Vec<String> {
    if bits == 0 { Vec::new() } else { vec![format!("{bits}'b0")] }
}

/// A core's module with its parameters, up to its ports.
fn instance(core: &Core) -> String {
    let parameters: Vec<_> = core.parameters.iter().map(|(name, value)| format!(".{name}({value})")).collect();
    let parameters = if parameters.is_empty() { String::new() } else { format!("#({}) ", parameters.join(", ")) };
    format!("{} {parameters}core", core.module)
}

/// All cores without connections, for counting: what synthesis must keep is kept, and cores differ by name.
pub fn unconnected(cores: &[Core]) -> String {
    let (mut modules, mut instances) = (String::new(), String::new());
    for core in cores {
        let name = &core.name;
        writeln!(modules, "module core_{name} ();\n  (* keep *) {} ();\nendmodule", instance(core)).unwrap();
        writeln!(instances, "  (* keep *) core_{name} {name} ();").unwrap();
    }
    format!("{modules}module all ();\n{instances}endmodule\n")
}
