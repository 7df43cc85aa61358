//! FPGA boards, what the parts of an accelerator use of them, and how fast they can be clocked.

mod board;
mod clock;
mod parts;
mod resources;

pub use board::{BOARDS, Board, BoardMemory};
pub(crate) use parts::{
    DDR_CONTROLLER, FREE_XOR, HALF_GATE, HBM_CONTROLLER, mac_unit, memory_blocks, modular_adder, modular_multiplier,
    multiplexer, ntt_butterfly, switching_network,
};
pub use resources::{FpgaResources, FpgaUse};
