//! Area, power and FPGA resources by part: they add up, grow with what there is, and scale between nodes as published.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{Accelerator, Fabric, FpgaResources, NODES_NM, PartyHardware, Platform, Sram, Technology};
use pisim_settings::Source;
use proptest::prelude::*;

fn close(value: f64, expected: f64, tolerance: f64) -> bool {
    (value - expected).abs() <= tolerance * expected.abs().max(1e-12)
}

/// The server of the shipped ASIC with other counts, node and supply.
fn server() -> impl Strategy<Value = PartyHardware> {
    let counts = (1u64..64, 1u64..129, 1u64..32, 1u64..1_024, 1u64..8_192, 1u64..128, 1u64..128);
    let memories = (10u32..26, 10u32..26, 10u32..26);
    (counts, memories, prop::sample::select(NODES_NM.to_vec()), 0.5..1.1f64, 0..3usize).prop_map(
        |(
            (engines, banks, ntts, butterflies, lanes, rows, columns),
            (wires, scratchpad, buffer),
            node_nm,
            supply_v,
            board,
        )| {
            let mut server = Platform::builtin("haac-hbm2").unwrap().server;
            let fabric = match ["u250", "v80"].get(board) {
                Some(board) => Fabric::Fpga(pisim_hw_models::Board::named(board).unwrap()),
                None => Fabric::Silicon { node_nm, supply_v },
            };
            server.fabric = Some(fabric);
            let gc = server.gc_engine.as_mut().unwrap();
            (gc.engines, gc.wire_banks, gc.wire_memory_bytes, gc.technology) =
                (engines, banks, 1 << wires, Technology::of(fabric));
            let he = server.he_engine.as_mut().unwrap();
            (he.ntt_units, he.butterflies, he.modmul_lanes, he.scratchpad_bytes, he.technology) =
                (ntts, butterflies, lanes, 1 << scratchpad, Technology::of(fabric));
            let mac = server.mac_array.as_mut().unwrap();
            (mac.rows, mac.columns, mac.buffer_bytes, mac.technology) =
                (rows, columns, 1 << buffer, Technology::of(fabric));
            server
        },
    )
}

proptest! {
    #[test]
    fn parts_sum_to_every_total(server in server()) {
        let parts = server.breakdown();
        let area: f64 = parts.iter().filter_map(|component| component.part.area_mm2).sum();
        prop_assert!(close(server.area_mm2().unwrap_or(0.0), area, 1e-12));
        let (gc, he, mac) = (server.gc_engine.as_ref().unwrap(), server.he_engine.as_ref().unwrap(), server.mac_array.as_ref().unwrap());
        if let Some(total) = server.area_mm2() {
            let units = gc.area_mm2().unwrap() + he.area_mm2().unwrap() + mac.area_mm2().unwrap();
            prop_assert!(close(total, units + server.memory.interface_mm2(), 1e-9));
        }
        let units = gc.peak_power_w() + he.peak_power_w() + mac.peak_power_w();
        let traffic = 8.0 * server.memory.streaming_bytes_per_s() * server.memory.energy_per_bit_j;
        let leaks = server.busy_leakage_w(Accelerator::MacArray);
        let others = server.static_power_w + server.cpu.peak_power_w() + traffic + leaks;
        prop_assert!(close(server.peak_power_w(), others + units, 1e-9));
        let fpga: FpgaResources = parts.iter().map(|component| component.part.fpga).sum();
        match server.board() {
            Some(board) => prop_assert_eq!(server.fpga_use().unwrap().used, board.in_blocks(fpga)),
            None => prop_assert_eq!(fpga, FpgaResources::default()),
        }
        for component in &parts {
            let part = &component.part;
            prop_assert!(part.power_w >= 0.0 && part.leakage_w >= 0.0 && part.area_mm2.unwrap_or(0.0) >= 0.0, "{:?}", part);
        }
        prop_assert_eq!(server.clone().breakdown(), parts, "the same hardware, the same parts");
    }

    #[test]
    fn more_units_are_larger_and_draw_more(server in server(), which in 0..6usize, more in 1u64..100) {
        let mut larger = server.clone();
        match which {
            0 => larger.gc_engine.as_mut().unwrap().engines += more,
            1 => larger.he_engine.as_mut().unwrap().ntt_units += more,
            2 => larger.he_engine.as_mut().unwrap().butterflies += more,
            3 => larger.he_engine.as_mut().unwrap().modmul_lanes += more,
            4 => larger.mac_array.as_mut().unwrap().rows += more,
            _ => larger.mac_array.as_mut().unwrap().columns += more,
        }
        prop_assert!(larger.area_mm2() >= server.area_mm2());
        prop_assert!(larger.fpga_resources().lut >= server.fpga_resources().lut);
        prop_assert!(larger.fpga_resources().dsp >= server.fpga_resources().dsp);
        // An array's buffer is split among its rows and columns: smaller banks, cheaper reads, at most as much as cells cost more.
        prop_assert!(which >= 4 || larger.peak_power_w() > server.peak_power_w());
    }

    #[test]
    fn a_block_moved_to_a_node_and_back_costs_what_it_did(
        from in prop::sample::select(NODES_NM.to_vec()),
        to in prop::sample::select(NODES_NM.to_vec()),
        from_v in 0.6..1.1f64,
        to_v in 0.6..1.1f64,
    ) {
        let made = |node_nm, supply_v| Technology { node_nm, supply_v, fpga: false };
        let there = made(to, to_v).logic_energy(from, from_v);
        let back = made(from, from_v).logic_energy(to, to_v);
        prop_assert!(close(there * back, 1.0, 1e-12));
        let area = made(to, to_v).area(from).unwrap() * made(from, from_v).area(to).unwrap();
        prop_assert!(close(area, 1.0, 1e-12));
        prop_assert!(from < to || (there <= 1.0 + 1e-9) || to_v > from_v, "a smaller node at no more volts costs no more: {there}");
    }

    #[test]
    fn larger_memories_leak_more_and_are_larger(
        kib in 1u64..100_000,
        banks in 1u64..65,
        ports in 1u64..4,
        node in prop::sample::select(NODES_NM.to_vec()),
    ) {
        let technology = Technology { node_nm: node, supply_v: 0.8, fpga: false };
        let of = |bytes| Sram { bytes, banks, ports }.costs(&technology);
        let (small, large) = (of(kib << 10), of(kib << 11));
        prop_assert!(large.area_mm2 > small.area_mm2 && large.leakage_w > small.leakage_w);
        prop_assert!(large.read_j_per_byte >= small.read_j_per_byte && small.read_j_per_byte > 0.0);
        let fpga = Sram { bytes: kib << 10, banks, ports }.costs(&Technology { fpga: true, ..technology });
        prop_assert_eq!((fpga.area_mm2, fpga.leakage_w), (None, 0.0));
    }
}

#[test]
fn haacs_table_4_comes_back_part_by_part() {
    let server = Platform::builtin("haac-hbm2").unwrap().server;
    for (name, mm2, milliwatts) in [
        ("half-gate pipelines", 2.15, 1_253.0),
        ("free-XOR units", 9.51e-4, 0.321),
        ("forwarding", 1.80e-3, 0.255),
        ("crossbar", 7.27e-2, 16.6),
        ("wire memory", 1.94, 196.0),
        ("queues", 0.173, 35.5),
    ] {
        let component = server.breakdown().into_iter().find(|component| component.part.name == name).unwrap();
        assert_eq!(component.unit, "gc_engine");
        assert!(close(component.part.area_mm2.unwrap(), mm2, 1e-9), "{name}");
        assert!(close(component.part.power_w, milliwatts / 1e3, 1e-9), "{name}");
        assert!(component.part.leakage_w < component.part.power_w, "{name} leaks less than it draws");
    }
}

/// The shipped platform with another static power of its server.
fn with_static_power(name: &str, line: &str) -> Result<Platform, pisim_settings::ConfigError> {
    let text = Platform::builtin_text(name).unwrap();
    let (head, server) = text.split_once("[server]\n").unwrap();
    let given = |line: &&str| line.starts_with("static_power") || line.starts_with("host_static_power");
    let server: Vec<&str> = server.lines().filter(|line| !given(line)).collect();
    Platform::from_source(&Source::new("p.toml", format!("{head}[server]\n{line}\n{}", server.join("\n"))))
}

#[test]
fn without_a_static_power_silicon_leaks_and_a_card_draws_its_own() {
    let server = with_static_power("haac-hbm2", "").unwrap().server;
    // One HBM2 interface: 225 mW (HAAC, Table 4).
    assert!(close(server.static_power_w, 0.225, 1e-9));
    let leakage: f64 = Accelerator::ALL.iter().map(|unit| server.idle_leakage_w(*unit)).sum();
    let parts: f64 = server.breakdown().iter().map(|component| component.part.leakage_w).sum();
    assert!(close(leakage, parts, 1e-12) && leakage > 0.5, "{leakage}");
    // The array's energies hold no leakage, so its power at full speed has it on top.
    let given = with_static_power("haac-hbm2", "static_power = \"25 W\"").unwrap().server;
    assert!(Accelerator::ALL.iter().all(|unit| given.idle_leakage_w(*unit) == 0.0));
    let on_top = server.peak_power_w() - given.peak_power_w() + 25.0 - 0.225;
    assert!(close(on_top, server.busy_leakage_w(Accelerator::MacArray), 1e-6), "{on_top}");
    let server = with_static_power("fpga-u280", "").unwrap().server;
    assert_eq!(server.static_power_w, 35.0);
    assert!(Accelerator::ALL.iter().all(|unit| server.idle_leakage_w(*unit) == 0.0));
    let error = with_static_power("cpu-lan", "").unwrap_err();
    assert_eq!(error.key(), "server.static_power");
    assert!(error.message().starts_with("missing; expected it in a party without"), "{error}");
}

#[test]
fn a_hosts_static_power_leaves_the_accelerators_to_the_models() {
    let (bare, host) = (with_static_power("haac-hbm2", "").unwrap(), Platform::builtin("haac-hbm2").unwrap());
    assert!(close(host.server.static_power_w, bare.server.static_power_w + 20.0, 1e-12));
    assert_eq!(host.server.host_static_power_w, 20.0);
    for unit in Accelerator::ALL {
        assert_eq!(host.server.idle_leakage_w(unit), bare.server.idle_leakage_w(unit));
    }
    let card = with_static_power("fpga-u280", "host_static_power = \"20 W\"").unwrap().server;
    assert_eq!(card.static_power_w, 55.0, "the card's 35 W and the host's");
    for (name, lines, message) in [
        ("haac-hbm2", "static_power = \"25 W\"\nhost_static_power = \"20 W\"", "given beside `static_power`, of which"),
        ("cpu-lan", "host_static_power = \"20 W\"", "the party has no accelerators beside its host; expected"),
        ("haac-hbm2", "host_static_power = \"200 kW\"", "200 kW is out of range; expected 0 W to 100 kW"),
    ] {
        let error = with_static_power(name, lines).unwrap_err();
        assert_eq!(error.key(), "server.host_static_power");
        assert!(error.message().starts_with(message), "{error}");
    }
}

/// More memory on the chip costs leakage for as long as an engine waits: the shipped ASICs leave it to the models.
#[test]
fn every_shipped_asic_leaks_in_proportion_to_what_it_is_made_of() {
    let asics: Vec<Platform> = Platform::builtin_names()
        .into_iter()
        .map(|name| Platform::builtin(name).unwrap())
        .filter(|platform| platform.server.area_mm2().is_some())
        .collect();
    assert!(asics.len() >= 13, "{}", asics.len());
    for platform in asics {
        for party in [&platform.client, &platform.server].into_iter().filter(|party| party.area_mm2().is_some()) {
            let Some(mut larger) = party.he_engine.is_some().then(|| party.clone()) else { continue };
            larger.he_engine.as_mut().unwrap().scratchpad_bytes *= 16;
            let [before, after] = [party, &larger].map(|party| party.idle_leakage_w(Accelerator::HeEngine));
            assert!(after > 4.0 * before && before > 0.1, "{}: {before} W, {after} W", platform.name);
        }
    }
}

#[test]
fn busy_memory_draws_what_its_traffic_costs() {
    let server = Platform::builtin("haac-hbm2").unwrap().server;
    let part = |name: &str| server.breakdown().into_iter().find(|component| component.part.name == name).unwrap().part;
    // 92 % of 512 GB/s at 3.9 pJ/bit, beside HAAC's 225 mW of an interface.
    assert!(close(part("traffic").power_w, 0.92 * 512e9 * 8.0 * 3.9e-12, 1e-9));
    assert!(close(part("interfaces").power_w, 0.225, 1e-9) && part("interfaces").area_mm2 == Some(14.9));
    assert_eq!(part("host").power_w, 20.0);
    // F1's chip: 180.4 W and 151.4 mm2 with both interfaces.
    let f1 = Platform::builtin("he-f1").unwrap().server;
    assert!(close(f1.accelerator_power_w().unwrap(), 180.4, 0.01), "{:?}", f1.accelerator_power_w());
    assert!(close(f1.area_mm2().unwrap(), 151.4, 0.01));
    let card = Platform::builtin("fpga-u280").unwrap().server;
    assert!(card.accelerator_power_w().unwrap() < card.peak_power_w() - card.static_power_w);
    assert_eq!(Platform::builtin("cpu-lan").unwrap().server.accelerator_power_w(), None);
}

/// Adders, operand choices, register files, networks and forwarding cost something on an FPGA, in proportion to what they join.
#[test]
fn what_lies_between_units_costs_luts_and_flip_flops() {
    let server = Platform::builtin("fpga-u280").unwrap().server;
    let of = |server: &PartyHardware, name: &str| {
        server.breakdown().into_iter().find(|component| component.part.name == name).unwrap().part.fpga
    };
    let glue = of(&server, "registers, adders, network");
    // 32 lanes of 54 bits: 3 + 2 LUT and 1 + 2 FF per bit, and a block RAM; 64 banks: three stages there and back.
    let (lanes, network) = (32 * 54, 2 * 64 * 3 * 54);
    assert_eq!((glue.lut, glue.ff, glue.bram36), (5 * lanes + network, 3 * lanes + network, 32));
    let mut wider = server.clone();
    wider.he_engine.as_mut().unwrap().modmul_lanes *= 2;
    assert_eq!(of(&wider, "registers, adders, network").lut - glue.lut, 5 * lanes);
    let mut banked = server.clone();
    banked.he_engine.as_mut().unwrap().scratchpad_banks = 256;
    assert_eq!(of(&banked, "registers, adders, network").lut - glue.lut, 2 * 54 * (256 * 4 - 64 * 3));
    // Four engines, two operands of 128 bits each.
    let forwarding = of(&server, "forwarding");
    assert_eq!((forwarding.lut, forwarding.ff), (1_024, 1_024));
}
