//! A memory device: what one channel of it is made of, its timings and its currents.

use super::error::DramError;
use super::presets::DEVICES;
use crate::memory::MemoryKind;
use pisim_settings::did_you_mean;

/// The bytes that a request reads or writes: one line.
pub const LINE_BYTES: u64 = 64;

/// One channel of a memory: the chips that answer together on one data bus, one rank of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Its name in platform files and on the command line.
    pub name: &'static str,
    /// The family.
    pub kind: MemoryKind,
    /// Where its figures are from.
    pub source: &'static str,
    /// Width of the data bus in bits.
    pub bus_bits: u64,
    /// Transfers per burst, two per clock.
    pub burst_length: u64,
    /// Bank groups of a rank.
    pub groups: u64,
    /// Banks of a group.
    pub banks_per_group: u64,
    /// Rows of a bank.
    pub rows: u64,
    /// Bytes of a row, over all chips of the rank.
    pub row_bytes: u64,
    /// With column bits lowest: whether the next row of a stream is in another bank group (as for DDR4 in DRAMsim3's files)
    /// or in another bank of the same group (as for HBM).
    pub groups_before_banks: bool,
    /// Row commands have a bus of their own, beside column commands (HBM).
    pub row_command_bus: bool,
    /// Clock of the commands in hertz; data moves at twice this rate.
    pub clock_hz: f64,
    /// Timings in clocks.
    pub timing: Timing,
    /// Currents, for the energy of activates.
    pub currents: Currents,
    /// Joules per bit of a long stream, all in: arrays, interface and controller.
    pub energy_per_bit_j: f64,
}

/// Timings in clocks, named as in JEDEC's standards. The suffix `s` is between bank groups, `l` within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Read command to its data.
    pub cl: u64,
    /// Write command to its data.
    pub cwl: u64,
    /// Activate to column command.
    pub rcd: u64,
    /// Precharge to activate.
    pub rp: u64,
    /// Activate to precharge.
    pub ras: u64,
    /// Activate to activate, different groups.
    pub rrd_s: u64,
    /// Activate to activate, same group.
    pub rrd_l: u64,
    /// At most four activates of a rank in this time.
    pub faw: u64,
    /// Column command to column command of the same direction, different groups.
    pub ccd_s: u64,
    /// The same within a group.
    pub ccd_l: u64,
    /// End of write data to read command, different groups.
    pub wtr_s: u64,
    /// The same within a group.
    pub wtr_l: u64,
    /// Clocks that the data bus stays idle between read data and write data.
    pub turn: u64,
    /// The same between data of two ranks, tRTRS: the strobe is handed over.
    pub rtrs: u64,
    /// End of write data to precharge.
    pub wr: u64,
    /// Read command to precharge.
    pub rtp: u64,
    /// Refresh to activate.
    pub rfc: u64,
    /// A refresh of the rank is due this often.
    pub refi: u64,
}

/// Currents of one chip in amperes and how many chips a rank has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Currents {
    /// Supply in volts.
    pub vdd: f64,
    /// One bank activated and precharged as often as possible.
    pub idd0: f64,
    /// Idle, all banks precharged.
    pub idd2n: f64,
    /// Idle, banks active.
    pub idd3n: f64,
    /// Chips of a rank.
    pub chips: f64,
}

impl Timing {
    /// Activate to activate of one bank: tRAS + tRP.
    pub fn rc(&self) -> u64 {
        self.ras + self.rp
    }
}

impl Device {
    /// The device of this name.
    ///
    /// # Errors
    /// There is none; the error names those that exist and the near miss.
    pub fn named(name: &str) -> Result<&'static Self, DramError> {
        DEVICES.into_iter().find(|device| device.name == name).ok_or_else(|| {
            let names: Vec<&str> = DEVICES.iter().map(|device| device.name).collect();
            let hint = did_you_mean(name, names.iter().copied());
            DramError::UnknownDevice { name: name.to_owned(), known: names.join(", "), hint }
        })
    }

    /// Bytes of one burst.
    pub fn burst_bytes(&self) -> u64 {
        self.bus_bits / 8 * self.burst_length
    }

    /// Clocks that one burst holds the data bus: BL / 2.
    pub fn burst_clocks(&self) -> u64 {
        self.burst_length / 2
    }

    /// Bursts of one line; they follow each other in one row.
    pub fn bursts_per_line(&self) -> u64 {
        LINE_BYTES / self.burst_bytes()
    }

    /// Banks of a rank.
    pub fn banks(&self) -> u64 {
        self.groups * self.banks_per_group
    }

    /// Lines of a row.
    pub fn lines_per_row(&self) -> u64 {
        self.row_bytes / LINE_BYTES
    }

    /// Bytes of one rank.
    pub fn rank_bytes(&self) -> u64 {
        self.row_bytes * self.rows * self.banks()
    }

    /// Peak bandwidth of one channel in bytes per second: bus × 2 / 8 × clock.
    pub fn peak_bytes_per_s(&self) -> f64 {
        self.bus_bits as f64 / 8.0 * 2.0 * self.clock_hz
    }

    /// Joules of one activate with its precharge, beyond idling (Micron TN-40-07):
    /// `VDD × (IDD0 × tRC − IDD3N × tRAS − IDD2N × tRP)` for every chip.
    pub fn activate_j(&self) -> f64 {
        let (currents, timing) = (&self.currents, &self.timing);
        let idle = currents.idd3n * timing.ras as f64 + currents.idd2n * timing.rp as f64;
        let charge = (currents.idd0 * timing.rc() as f64 - idle) / self.clock_hz;
        currents.vdd * charge * currents.chips
    }
}
