//! When each command may be given next: the device's timings, kept up to date command by command.

use super::device::Device;

/// A command to one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// Open a row of a bank.
    Activate,
    /// Close a bank's row.
    Precharge,
    /// Close all rows of a rank.
    PrechargeAll,
    /// Read a burst of the open row.
    Read,
    /// Write a burst to the open row.
    Write,
    /// Refresh a rank.
    Refresh,
}

/// One command of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// The clock in which it is given.
    pub clock: u64,
    /// What it is.
    pub kind: CommandKind,
    /// The bank, counted over the ranks and groups of the channel; of a rank's commands, its first bank.
    pub bank: usize,
    /// The row, of an activate, a read or a write.
    pub row: u64,
}

/// Earliest clocks of one bank's commands, as the bank itself sees it.
#[derive(Debug, Clone, Copy, Default)]
struct BankClocks {
    activate: u64,
    precharge: u64,
    column: u64,
}

/// The same of a bank group or a rank.
#[derive(Debug, Clone, Copy, Default)]
struct SharedClocks {
    activate: u64,
    read: u64,
    write: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct RankClocks {
    shared: SharedClocks,
    /// When each of the last four activates leaves the window of four, the oldest next to be replaced.
    window: [u64; 4],
    oldest: usize,
}

/// Earliest clocks of all commands of one channel.
#[derive(Debug)]
pub(super) struct Clocks {
    banks: Vec<BankClocks>,
    groups: Vec<SharedClocks>,
    ranks: Vec<RankClocks>,
    banks_per_group: usize,
    banks_per_rank: usize,
    gaps: Gaps,
}

/// Clocks between commands that follow from a device's timings.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    rcd: u64,
    ras: u64,
    rc: u64,
    rp: u64,
    rrd_s: u64,
    rrd_l: u64,
    faw: u64,
    rfc: u64,
    column_s: u64,
    column_l: u64,
    read_to_write: u64,
    write_to_read_s: u64,
    write_to_read_l: u64,
    read_to_precharge: u64,
    write_to_precharge: u64,
    other_rank_same: u64,
    other_rank_read_to_write: u64,
    other_rank_write_to_read: u64,
}

impl Gaps {
    fn new(device: &Device) -> Self {
        let (timing, burst) = (device.timing, device.burst_clocks());
        let after_write = timing.cwl + burst;
        Self {
            rcd: timing.rcd,
            ras: timing.ras,
            rc: timing.rc(),
            rp: timing.rp,
            rrd_s: timing.rrd_s,
            rrd_l: timing.rrd_l,
            faw: timing.faw,
            rfc: timing.rfc,
            column_s: timing.ccd_s.max(burst),
            column_l: timing.ccd_l.max(burst),
            read_to_write: (timing.cl + burst + timing.turn).saturating_sub(timing.cwl).max(burst),
            write_to_read_s: after_write + timing.wtr_s,
            write_to_read_l: after_write + timing.wtr_l,
            read_to_precharge: timing.rtp,
            write_to_precharge: after_write + timing.wr,
            other_rank_same: burst + timing.rtrs,
            other_rank_read_to_write: (timing.cl + burst + timing.rtrs).saturating_sub(timing.cwl).max(burst),
            other_rank_write_to_read: (after_write + timing.rtrs).saturating_sub(timing.cl).max(burst),
        }
    }
}

fn raise(clock: &mut u64, to: u64) {
    *clock = (*clock).max(to);
}

// Bank numbers come from the address map, which counts the same banks.
impl Clocks {
    pub fn new(device: &Device, ranks: usize) -> Self {
        let (groups, banks_per_group) = (device.groups as usize, device.banks_per_group as usize);
        Self {
            banks: vec![BankClocks::default(); ranks * groups * banks_per_group],
            groups: vec![SharedClocks::default(); ranks * groups],
            ranks: vec![RankClocks::default(); ranks],
            banks_per_group,
            banks_per_rank: groups * banks_per_group,
            gaps: Gaps::new(device),
        }
    }

    /// The first clock in which the bank may be activated.
    pub fn activate(&self, bank: usize) -> u64 {
        let (group, rank) = (&self.groups[bank / self.banks_per_group], &self.ranks[bank / self.banks_per_rank]);
        let window = rank.window[rank.oldest];
        self.banks[bank].activate.max(group.activate).max(rank.shared.activate).max(window)
    }

    /// The first clock in which the bank may be precharged.
    pub fn precharge(&self, bank: usize) -> u64 {
        self.banks[bank].precharge
    }

    /// The first clock in which the bank may be read.
    pub fn read(&self, bank: usize) -> u64 {
        let (group, rank) = (&self.groups[bank / self.banks_per_group], &self.ranks[bank / self.banks_per_rank]);
        self.banks[bank].column.max(group.read).max(rank.shared.read)
    }

    /// The first clock in which the bank may be written.
    pub fn write(&self, bank: usize) -> u64 {
        let (group, rank) = (&self.groups[bank / self.banks_per_group], &self.ranks[bank / self.banks_per_rank]);
        self.banks[bank].column.max(group.write).max(rank.shared.write)
    }

    /// The first clock in which a rank with all rows closed may be refreshed.
    pub fn refresh(&self, rank: usize) -> u64 {
        let first = rank * self.banks_per_rank;
        let banks = &self.banks[first..first + self.banks_per_rank];
        banks.iter().map(|bank| bank.activate).max().unwrap_or_default()
    }

    /// A command is given.
    pub fn give(&mut self, kind: CommandKind, bank: usize, now: u64) {
        let gaps = self.gaps;
        let rank_number = bank / self.banks_per_rank;
        let group = &mut self.groups[bank / self.banks_per_group];
        let rank = &mut self.ranks[rank_number];
        let this = &mut self.banks[bank];
        match kind {
            CommandKind::Activate => {
                this.column = now + gaps.rcd;
                this.precharge = now + gaps.ras;
                this.activate = now + gaps.rc;
                group.activate = now + gaps.rrd_l;
                rank.shared.activate = now + gaps.rrd_s;
                rank.window[rank.oldest] = now + gaps.faw;
                rank.oldest = (rank.oldest + 1) % 4;
            }
            CommandKind::Precharge => raise(&mut this.activate, now + gaps.rp),
            CommandKind::Read => {
                raise(&mut this.precharge, now + gaps.read_to_precharge);
                group.read = now + gaps.column_l;
                self.columns(
                    rank_number,
                    now,
                    [gaps.column_s, gaps.read_to_write],
                    [gaps.other_rank_same, gaps.other_rank_read_to_write],
                );
            }
            CommandKind::Write => {
                raise(&mut this.precharge, now + gaps.write_to_precharge);
                group.write = now + gaps.column_l;
                raise(&mut group.read, now + gaps.write_to_read_l);
                let others = [gaps.other_rank_write_to_read, gaps.other_rank_same];
                self.columns(rank_number, now, [gaps.write_to_read_s, gaps.column_s], others);
            }
            CommandKind::PrechargeAll => self.of_rank(bank, now + gaps.rp),
            CommandKind::Refresh => self.of_rank(bank, now + gaps.rfc),
        }
    }

    /// After a column command: no read and no write of its rank, and of other ranks, before so many clocks.
    fn columns(&mut self, rank: usize, now: u64, own: [u64; 2], others: [u64; 2]) {
        for (number, clocks) in self.ranks.iter_mut().enumerate() {
            let [read, write] = if number == rank { own } else { others };
            raise(&mut clocks.shared.read, now + read);
            raise(&mut clocks.shared.write, now + write);
        }
    }

    /// No activate of the rank of `bank` before `clock`.
    fn of_rank(&mut self, bank: usize, clock: u64) {
        let first = bank / self.banks_per_rank * self.banks_per_rank;
        for bank in &mut self.banks[first..first + self.banks_per_rank] {
            raise(&mut bank.activate, clock);
        }
    }
}
