//! The devices. DRAMsim3's device files (github.com/umd-memsys/DRAMsim3, `configs/`) and Ramulator 2.1's (CMU-SAFARI) are
//! collections of JEDEC and data-sheet figures; each device says which it follows and what is extrapolated.

use super::device::{Currents, Device, Timing};
use crate::memory::MemoryKind;

/// Chips of a 64-bit rank of x8 DDR4.
const X8: f64 = 8.0;

/// An 8 Gbit DDR4 x8 rank: 16 banks in 4 groups, rows of 8 KiB over 8 chips.
const DDR4: Device = Device {
    name: "",
    kind: MemoryKind::Ddr4,
    source: "",
    bus_bits: 64,
    burst_length: 8,
    groups: 4,
    banks_per_group: 4,
    rows: 65_536,
    row_bytes: 8_192,
    groups_before_banks: true,
    row_command_bus: false,
    clock_hz: 0.0,
    timing: DDR4_3200_CLOCKS,
    currents: Currents { vdd: 1.2, idd0: 57e-3, idd2n: 37e-3, idd3n: 52e-3, chips: X8 },
    // 12 to 20 pJ/bit all in (as recalled); the array's read burst alone is 5.5 (IDD4R − IDD3N of DRAMsim3's file).
    energy_per_bit_j: 15e-12,
};

/// `turn` is JEDEC's 2 clocks (JESD79-4: read to write RL + BL/2 + 2 − WL); `rtrs` is the device file's tRTRS.
const DDR4_2400_CLOCKS: Timing = Timing {
    cl: 17,
    cwl: 12,
    rcd: 17,
    rp: 17,
    ras: 39,
    rrd_s: 4,
    rrd_l: 6,
    faw: 26,
    ccd_s: 4,
    ccd_l: 6,
    wtr_s: 3,
    wtr_l: 9,
    turn: 2,
    rtrs: 1,
    wr: 18,
    rtp: 9,
    rfc: 420,
    refi: 9_360,
};

const DDR4_3200_CLOCKS: Timing = Timing {
    cl: 22,
    cwl: 16,
    rcd: 22,
    rp: 22,
    ras: 52,
    rrd_s: 4,
    rrd_l: 8,
    faw: 34,
    ccd_s: 4,
    ccd_l: 8,
    wtr_s: 4,
    wtr_l: 12,
    turn: 2,
    rtrs: 1,
    wr: 24,
    rtp: 12,
    rfc: 560,
    refi: 12_480,
};

/// DDR4-3200's nanoseconds at 2.2 GHz, rounded up.
const DDR4_4400_CLOCKS: Timing = Timing {
    cl: 31,
    cwl: 22,
    rcd: 31,
    rp: 31,
    ras: 72,
    rrd_s: 6,
    rrd_l: 11,
    faw: 47,
    ccd_s: 4,
    ccd_l: 11,
    wtr_s: 6,
    wtr_l: 17,
    turn: 2,
    rtrs: 1,
    wr: 33,
    rtp: 17,
    rfc: 770,
    refi: 17_160,
};

/// A channel of HBM2 as a whole, 128 bits. DRAMsim3's tCCD_S of 1 is below its burst of 2 clocks, which therefore decides; its
/// file names no tRTRS, for which it then takes 2.
const HBM2_CLOCKS: Timing = Timing {
    cl: 14,
    cwl: 4,
    rcd: 14,
    rp: 14,
    ras: 34,
    rrd_s: 4,
    rrd_l: 6,
    faw: 30,
    ccd_s: 1,
    ccd_l: 2,
    wtr_s: 6,
    wtr_l: 8,
    turn: 2,
    rtrs: 2,
    wr: 16,
    rtp: 6,
    rfc: 260,
    refi: 3_900,
};

/// Half of an HBM2 channel at 900 MHz; Ramulator 2.1's nanoseconds, rounded to the nearest clock. `rtrs` as Ramulator's nCS.
const HBM2_PSEUDO_CLOCKS: Timing = Timing {
    cl: 13,
    cwl: 5,
    rcd: 13,
    rp: 13,
    ras: 31,
    rrd_s: 4,
    rrd_l: 4,
    faw: 14,
    ccd_s: 2,
    ccd_l: 4,
    wtr_s: 6,
    wtr_l: 8,
    turn: 2,
    rtrs: 2,
    wr: 15,
    rtp: 5,
    rfc: 234,
    refi: 3_510,
};

/// The same nanoseconds at 1.6 GHz, with the refresh of 8 Gbit per channel.
const HBM2E_CLOCKS: Timing = Timing {
    cl: 23,
    cwl: 8,
    rcd: 23,
    rp: 23,
    ras: 55,
    rrd_s: 7,
    rrd_l: 7,
    faw: 24,
    ccd_s: 2,
    ccd_l: 4,
    wtr_s: 10,
    wtr_l: 13,
    turn: 2,
    rtrs: 2,
    wr: 26,
    rtp: 8,
    rfc: 560,
    refi: 6_240,
};

/// `cl` includes tDQSCK (28 + 6 clocks). LPDDR4 has no bank groups; `rtrs` is the memspec's.
const LPDDR4_CLOCKS: Timing = Timing {
    cl: 34,
    cwl: 14,
    rcd: 29,
    rp: 29,
    ras: 68,
    rrd_s: 16,
    rrd_l: 16,
    faw: 64,
    ccd_s: 8,
    ccd_l: 8,
    wtr_s: 16,
    wtr_l: 16,
    turn: 2,
    rtrs: 1,
    wr: 29,
    rtp: 12,
    rfc: 448,
    refi: 6_246,
};

/// A pseudo-channel of HBM2: 64 bits, bursts of 32 bytes, rows of 1 KiB.
const PSEUDO_CHANNEL: Device = Device {
    kind: MemoryKind::Hbm2,
    bus_bits: 64,
    burst_length: 4,
    rows: 16_384,
    row_bytes: 1_024,
    groups_before_banks: false,
    row_command_bus: true,
    clock_hz: 900e6,
    timing: HBM2_PSEUDO_CLOCKS,
    // IDDs of the whole channel in DRAMsim3's HBM2_8Gb_x128.ini, shared by its two halves.
    currents: Currents { vdd: 1.2, idd0: 32.5e-3, idd2n: 20e-3, idd3n: 27.5e-3, chips: 1.0 },
    energy_per_bit_j: 3.9e-12,
    ..DDR4
};

static DDR4_2400: Device = Device {
    name: "ddr4-2400",
    source: "DRAMsim3 DDR4_8Gb_x8_2400.ini (CL17-17-17), one 64-bit channel; 15 pJ/bit as recalled",
    clock_hz: 1.2e9,
    timing: DDR4_2400_CLOCKS,
    currents: Currents { vdd: 1.2, idd0: 48e-3, idd2n: 34e-3, idd3n: 43e-3, chips: X8 },
    ..DDR4
};

static DDR4_3200: Device = Device {
    name: "ddr4-3200",
    source: "DRAMsim3 DDR4_8Gb_x8_3200.ini (CL22-22-22), one 64-bit channel; 15 pJ/bit as recalled",
    clock_hz: 1.6e9,
    timing: DDR4_3200_CLOCKS,
    ..DDR4
};

static DDR4_4400: Device = Device {
    name: "ddr4-4400",
    source: "35.2 GB/s as in HAAC (ISCA'23); no JEDEC bin: the nanoseconds of DDR4-3200 (assumed)",
    clock_hz: 2.2e9,
    timing: DDR4_4400_CLOCKS,
    ..DDR4
};

static HBM2: Device = Device {
    name: "hbm2",
    kind: MemoryKind::Hbm2,
    source: "DRAMsim3 HBM2_8Gb_x128.ini, one 128-bit channel of 8 Gbit at 2 Gbit/s; 3.9 pJ/bit (Accelergy's CACTI plug-in)",
    bus_bits: 128,
    burst_length: 4,
    // Legacy mode's page of 2 KiB (JESD235; pseudo-channels have half of it): 32,768 rows of 128 columns of 128 bits.
    rows: 32_768,
    row_bytes: 2_048,
    groups_before_banks: false,
    row_command_bus: true,
    clock_hz: 1e9,
    timing: HBM2_CLOCKS,
    currents: Currents { vdd: 1.2, idd0: 65e-3, idd2n: 40e-3, idd3n: 55e-3, chips: 1.0 },
    energy_per_bit_j: 3.9e-12,
    ..DDR4
};

static HBM2_PSEUDO: Device = Device {
    name: "hbm2-pseudo",
    source: "one pseudo-channel of an Alveo U280 (900 MHz; AMD documents 14.375 GB/s), timings of Ramulator 2.1's HBM2 at \
             4 Gbit per channel",
    ..PSEUDO_CHANNEL
};

static HBM2E: Device = Device {
    name: "hbm2e",
    source: "one 64-bit pseudo-channel at 3.2 Gbit/s, nanoseconds of Ramulator 2.1's HBM2 at 8 Gbit per channel (assumed); \
             6.0 pJ/bit (vendor average)",
    clock_hz: 1.6e9,
    timing: HBM2E_CLOCKS,
    rows: 32_768,
    energy_per_bit_j: 6.0e-12,
    ..PSEUDO_CHANNEL
};

static LPDDR4: Device = Device {
    name: "lpddr4",
    kind: MemoryKind::Lpddr,
    source: "DRAMSys JEDEC_8Gb_LPDDR4-3200_16bit, one 16-bit channel; 8 pJ/bit (Accelergy's CACTI plug-in)",
    bus_bits: 16,
    burst_length: 16,
    groups: 1,
    banks_per_group: 8,
    rows: 32_768,
    row_bytes: 2_048,
    clock_hz: 1.6e9,
    timing: LPDDR4_CLOCKS,
    currents: Currents { vdd: 1.1, idd0: 45e-3, idd2n: 27e-3, idd3n: 30e-3, chips: 1.0 },
    energy_per_bit_j: 8e-12,
    ..DDR4
};

/// All devices, in the order in which they are listed.
pub static DEVICES: [&Device; 7] = [&DDR4_2400, &DDR4_3200, &DDR4_4400, &HBM2, &HBM2_PSEUDO, &HBM2E, &LPDDR4];

/// The device that stands for a kind of memory when none is named. DDR5 has no device of its own: DDR4-3200 has the same
/// nanoseconds.
pub(crate) fn typical(kind: MemoryKind) -> &'static Device {
    match kind {
        MemoryKind::Ddr4 | MemoryKind::Ddr5 => &DDR4_3200,
        MemoryKind::Lpddr => &LPDDR4,
        MemoryKind::Hbm2 => &HBM2,
    }
}
