//! What a path can do with four blocks at a time.

use crate::gc::Block;

/// Four blocks next to each other: what an engine loads and stores.
pub(crate) type Quad = [Block; 4];

/// The instructions of one path under one AES key. Methods are always inlined, so that they become instructions of the
/// function in which the path's features are enabled.
pub(crate) trait Engine: Copy {
    /// Four blocks in registers.
    type Vector: Copy;

    /// From memory.
    fn load(self, quad: &Quad) -> Self::Vector;

    /// To memory.
    fn store(self, vector: Self::Vector, quad: &mut Quad);

    /// Bitwise `a ⊕ b`.
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a ⊕ b` in the blocks in which the lowest bit of `choice` is set, otherwise `a`. Takes the same time for every choice.
    fn xor_if(self, a: Self::Vector, choice: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Adds a number to the low 64 bits of every block, modulo 2^64.
    fn add_low(self, vector: Self::Vector, number: u64) -> Self::Vector;

    /// Shifts the 64-bit halves of every block right by less than 64 bits.
    fn shift_right(self, vector: Self::Vector, bits: u32) -> Self::Vector;

    /// AES-128 of every block.
    fn encrypt<const N: usize>(self, vectors: &mut [Self::Vector; N]);

    /// Asks for memory that will soon be loaded, at any address: a hint that some paths ignore.
    #[inline(always)]
    fn prefetch(self, _address: *const Quad) {}

    /// One block four times.
    #[inline(always)]
    fn splat(self, block: Block) -> Self::Vector {
        self.load(&[block; 4])
    }
}

/// A kernel: work that any engine can do. `run` and all that it calls in a loop must be `#[inline(always)]`.
pub(crate) trait Job {
    /// What it returns.
    type Output;

    /// Does it.
    fn run<E: Engine>(self, engine: E) -> Self::Output;
}
