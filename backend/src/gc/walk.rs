//! The way of one batch through a circuit, the same for garbler and evaluator: AND gates take the next table, XOR and INV
//! gates are free.

use super::plan::SlotGate;

/// What one side does at a gate, in all lanes. `Table` is what an AND gate reads or writes.
pub(super) trait HalfGates<Table> {
    /// An AND gate over slots `a` and `b`.
    fn and(&mut self, a: usize, b: usize, out: usize, table: Table);
    /// An XOR or INV gate.
    fn free(&mut self, gate: SlotGate);
}

/// Takes `side` through all gates in order; returns how many AND and XOR gates it did. Compiled for every width of vectors,
/// chosen at run time.
pub(super) fn walk<T, S: HalfGates<T>>(
    gates: &[SlotGate],
    tables: impl Iterator<Item = T>,
    side: &mut S,
) -> (u64, u64) {
    pulp::Arch::new().dispatch(Walk { gates, tables, side })
}

struct Walk<'a, I, S> {
    gates: &'a [SlotGate],
    tables: I,
    side: &'a mut S,
}

impl<I: Iterator, S: HalfGates<I::Item>> pulp::WithSimd for Walk<'_, I, S> {
    type Output = (u64, u64);

    #[inline(always)]
    fn with_simd<V: pulp::Simd>(mut self, _vectors: V) -> Self::Output {
        let (mut ands, mut xors) = (0, 0);
        for gate in self.gates {
            match *gate {
                SlotGate::And { a, b, out } => {
                    if let Some(table) = self.tables.next() {
                        self.side.and(a, b, out, table);
                    }
                    ands += 1;
                }
                free => {
                    self.side.free(free);
                    xors += u64::from(matches!(free, SlotGate::Xor { .. }));
                }
            }
        }
        (ands, xors)
    }
}
