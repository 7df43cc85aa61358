//! An independent checker of command traces: every pair of commands against every rule, written from the standards' prose and
//! not from the model's code.

use pisim_hw_models::dram::{Command, CommandKind, Device};

/// Where two commands are to each other.
#[derive(PartialEq, PartialOrd)]
enum Near {
    Bank,
    Group,
    Rank,
    Channel,
}

fn near(device: &Device, a: &Command, b: &Command) -> Near {
    let (group, rank) = (device.banks_per_group as usize, device.banks() as usize);
    if a.bank == b.bank {
        Near::Bank
    } else if a.bank / group == b.bank / group {
        Near::Group
    } else if a.bank / rank == b.bank / rank {
        Near::Rank
    } else {
        Near::Channel
    }
}

/// The clocks that must lie between `first` and `then`, with the rule's name.
fn gap(device: &Device, first: &Command, then: &Command) -> (u64, &'static str) {
    use CommandKind::{Activate, Precharge, PrechargeAll, Read, Refresh, Write};
    let (t, burst) = (device.timing, device.burst_length / 2);
    let near = near(device, first, then);
    let same_rank = near <= Near::Rank;
    let rule = |holds: bool, clocks: u64, name| if holds { (clocks, name) } else { (0, "") };
    match (first.kind, then.kind) {
        (Activate, Activate) if near == Near::Bank => (t.ras + t.rp, "tRC"),
        (Activate, Activate) if near == Near::Group => (t.rrd_l, "tRRD_L"),
        (Activate, Activate) => rule(same_rank, t.rrd_s, "tRRD_S"),
        (Activate, Read | Write) => rule(near == Near::Bank, t.rcd, "tRCD"),
        (Activate, Precharge) => rule(near == Near::Bank, t.ras, "tRAS"),
        (Activate, PrechargeAll) => rule(same_rank, t.ras, "tRAS"),
        (Activate, Refresh) => rule(same_rank, t.ras + t.rp, "tRC to refresh"),
        (Precharge, Activate) => rule(near == Near::Bank, t.rp, "tRP"),
        (Precharge, Refresh) | (PrechargeAll, Activate | Refresh) => rule(same_rank, t.rp, "tRP"),
        (Read, Read) | (Write, Write) if near <= Near::Group => (t.ccd_l.max(burst), "tCCD_L"),
        (Read, Read) | (Write, Write) if near == Near::Rank => (t.ccd_s.max(burst), "tCCD_S"),
        (Read, Read) | (Write, Write) => (burst + t.rtrs, "rank switch"),
        (Read, Write) if near == Near::Channel => ((t.cl + burst + t.rtrs).saturating_sub(t.cwl), "rank switch"),
        (Read, Write) => ((t.cl + burst + t.turn).saturating_sub(t.cwl), "read to write"),
        (Write, Read) if near <= Near::Group => (t.cwl + burst + t.wtr_l, "tWTR_L"),
        (Write, Read) if near == Near::Rank => (t.cwl + burst + t.wtr_s, "tWTR_S"),
        (Write, Read) => ((t.cwl + burst + t.rtrs).saturating_sub(t.cl), "rank switch"),
        (Read, Precharge) => rule(near == Near::Bank, t.rtp, "tRTP"),
        (Read, PrechargeAll) => rule(same_rank, t.rtp, "tRTP"),
        (Write, Precharge) => rule(near == Near::Bank, t.cwl + burst + t.wr, "tWR"),
        (Write, PrechargeAll) => rule(same_rank, t.cwl + burst + t.wr, "tWR"),
        (Refresh, _) => rule(same_rank, t.rfc, "tRFC"),
        _ => (0, ""),
    }
}

/// The first rule that a channel's trace breaks, if any.
pub fn broken_rule(device: &Device, trace: &[Command]) -> Option<String> {
    let mut open: Vec<Option<u64>> = vec![None; 64 * device.banks() as usize];
    let longest =
        device.timing.rfc.max(device.timing.ras + device.timing.rp + device.timing.wr + device.timing.cl + 64);
    let mut data_until = 0;
    for (index, then) in trace.iter().enumerate() {
        for first in trace[..index].iter().rev().take_while(|first| first.clock + longest >= then.clock) {
            let (clocks, name) = gap(device, first, then);
            if then.clock < first.clock + clocks {
                return Some(format!("{name}: {first:?} then {then:?}, {clocks} clocks apart at least"));
            }
            let same_bus = !device.row_command_bus || is_column(first) == is_column(then);
            if first.clock > then.clock || (first.clock == then.clock && same_bus) {
                return Some(format!("command bus: {first:?} and {then:?}"));
            }
        }
        if let Some(problem) = state(device, &mut open, then) {
            return Some(format!("{problem}: {then:?}"));
        }
        if is_column(then) {
            let latency = if then.kind == CommandKind::Read { device.timing.cl } else { device.timing.cwl };
            let begin = then.clock + latency;
            if begin < data_until {
                return Some(format!("data bus: {then:?} begins at {begin}, it is busy until {data_until}"));
            }
            data_until = begin + device.burst_length / 2;
        }
    }
    four_activates(device, trace)
}

fn is_column(command: &Command) -> bool {
    matches!(command.kind, CommandKind::Read | CommandKind::Write)
}

/// Rows: what is read is open, what is activated is closed, what is refreshed is closed altogether.
fn state(device: &Device, open: &mut [Option<u64>], then: &Command) -> Option<&'static str> {
    let banks = device.banks() as usize;
    let rank = then.bank / banks * banks..(then.bank / banks + 1) * banks;
    match then.kind {
        CommandKind::Activate if open[then.bank].is_some() => return Some("activate of an open bank"),
        CommandKind::Read | CommandKind::Write if open[then.bank] != Some(then.row) => {
            return Some("another row is open");
        }
        CommandKind::Refresh if open[rank.clone()].iter().any(Option::is_some) => {
            return Some("refresh with open rows");
        }
        CommandKind::Activate => open[then.bank] = Some(then.row),
        CommandKind::Precharge => open[then.bank] = None,
        CommandKind::PrechargeAll => open[rank].fill(None),
        CommandKind::Read | CommandKind::Write | CommandKind::Refresh => {}
    }
    None
}

/// At most four activates of a rank in any tFAW.
fn four_activates(device: &Device, trace: &[Command]) -> Option<String> {
    let banks = device.banks() as usize;
    let ranks = trace.iter().map(|command| command.bank / banks).max().unwrap_or_default() + 1;
    (0..ranks).find_map(|rank| {
        let activates = trace.iter().filter(|c| c.kind == CommandKind::Activate && c.bank / banks == rank);
        let clocks: Vec<u64> = activates.map(|command| command.clock).collect();
        let five = clocks.windows(5).find(|five| five[4] < five[0] + device.timing.faw)?;
        Some(format!("tFAW: activates of rank {rank} at {five:?}"))
    })
}

mod tests {
    use super::*;

    #[test]
    fn a_trace_that_breaks_a_rule_is_caught() {
        let device = Device::named("ddr4-2400").unwrap();
        let at = |clock, kind, bank, row| Command { clock, kind, bank, row };
        use CommandKind::{Activate, Precharge, Read, Write};
        let legal = vec![at(0, Activate, 0, 7), at(17, Read, 0, 7), at(39, Precharge, 0, 0), at(56, Activate, 0, 8)];
        assert_eq!(broken_rule(device, &legal), None);
        for (index, changed, name) in [
            (1, at(16, Read, 0, 7), "tRCD"),
            (1, at(17, Read, 0, 6), "another row is open"),
            (2, at(38, Precharge, 0, 0), "tRAS"),
            (3, at(55, Activate, 0, 8), "tR"),
            (1, at(17, Write, 0, 7), "tWR"),
            (2, at(60, Write, 4, 1), "another row is open"),
        ] {
            let mut trace = legal.clone();
            trace[index] = changed;
            let broken = broken_rule(device, &trace).unwrap();
            assert!(broken.starts_with(name), "{name}: {broken}");
        }
        let five: Vec<Command> =
            (0..5).map(|i| at(6 * i, Activate, 4 * (i as usize % 4) + i as usize / 4, 0)).collect();
        assert!(broken_rule(device, &five).unwrap().starts_with("tFAW"));
    }
}
