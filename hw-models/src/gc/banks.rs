//! The banks of the wire memory: who may read and write in which cycle. Neighbouring labels lie in neighbouring banks; labels at
//! strides that share a factor with the number of banks meet in few of them.

/// Reads, and writes, of one bank in one cycle of the gate engines: one port of each kind at twice their clock (HAAC's wire memory
/// runs at 2 GHz beside engines at 1 GHz, as recalled; that a bank has a port of each kind is assumed). A label that is read goes to
/// every engine that asks for it in that cycle.
pub(super) const PORT_ACCESSES: u8 = 2;

/// What a bank can do in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// [`PORT_ACCESSES`] reads and as many writes.
    Separate,
    /// [`PORT_ACCESSES`] reads and writes together: a block RAM of an FPGA has two ports, each of which reads or writes once in a
    /// cycle. Data are there a cycle later, so that not even an XOR is written in the cycle in which it was read; and a write may wait
    /// one cycle in a register for a port (both as in FASE's published RTL, ACESLabUCSD/FASE, `DPRAM.sv`). Input labels lie in block
    /// RAMs of their own there, and do not take these ports.
    Shared,
}

/// The most table entries; a program whose gates spread over more cycles at once is followed only that far.
const MOST_ENTRIES: usize = 1 << 24;

/// Reads use the lower half of an entry, writes the upper one.
const READ: u8 = 1;
const WRITE: u8 = 1 << 4;
const READS: u8 = 0x0f;

/// Accesses by cycle and bank, for a range of cycles that moves with the program.
pub(super) struct Banks {
    banks: usize,
    ports: Ports,
    /// Selects the bits of an address that number its bank, when banks are a power of two.
    mask: Option<u32>,
    cycle_mask: usize,
    cycles: Vec<u64>,
    used: Vec<u8>,
    /// What the reads of an entry read.
    labels: Vec<[u32; PORT_ACCESSES as usize]>,
}

impl Banks {
    /// For gates that are at most `spread` cycles apart.
    pub fn new(banks: u64, ports: Ports, spread: u64) -> Self {
        // A write that waits is two cycles after its reads at least.
        let spread = spread.max(4);
        let banks = usize::try_from(banks).unwrap_or(MOST_ENTRIES).clamp(1, MOST_ENTRIES);
        let most = (MOST_ENTRIES / banks).max(1);
        let cycles = usize::try_from(spread).unwrap_or(most).min(most).next_power_of_two();
        let mask = banks.is_power_of_two().then_some(banks as u32 - 1);
        let entries = cycles * banks;
        Self {
            banks,
            ports,
            mask,
            cycle_mask: cycles - 1,
            cycles: vec![0; cycles],
            used: vec![0; entries],
            labels: vec![[0; PORT_ACCESSES as usize]; entries],
        }
    }

    fn bank(&self, address: u32) -> usize {
        match self.mask {
            Some(mask) => (address & mask) as usize,
            None => address as usize % self.banks,
        }
    }

    /// The first cycle from `at` in which both operands can be read and, `latency` later, the output be written; takes it.
    /// Operands that do not come from the window are `None`.
    pub fn claim(&mut self, at: u64, reads: [Option<u32>; 2], write: u32, latency: u64) -> u64 {
        let mut cycle = at;
        loop {
            let both = reads.iter().flatten().count() == reads.len();
            let written = self.write_cycle(cycle, write, latency, both);
            if let Some(written) = written.filter(|_| self.read(cycle, reads)) {
                let entry = self.row(written).map(|row| row + self.bank(write));
                if let Some(used) = entry.and_then(|entry| self.used.get_mut(entry)) {
                    *used += WRITE;
                }
                return cycle;
            }
            cycle += 1;
        }
    }

    /// When the output of a gate that reads in `cycle` finds a port. After a gate with two operands another one is expected, which
    /// wants both ports in the next cycle.
    fn write_cycle(&mut self, cycle: u64, write: u32, latency: u64, both: bool) -> Option<u64> {
        if self.ports == Ports::Separate {
            let last = cycle + latency - 1;
            return (self.accesses(last, write) < PORT_ACCESSES).then_some(last);
        }
        let last = cycle + latency.max(2) - 1;
        let [now, later] = [last, last + 1].map(|cycle| self.accesses(cycle, write));
        match (now, later) {
            // Beside another access, so that the other cycle keeps both ports.
            (1, _) => Some(last),
            (0, _) if !both => Some(last),
            (_, 0 | 1) => Some(last + 1),
            (0, _) => Some(last),
            _ => None,
        }
    }

    /// Accesses to the bank of a label that stand in the way of writing it in `cycle`.
    fn accesses(&mut self, cycle: u64, write: u32) -> u8 {
        let entry = self.row(cycle).map(|row| row + self.bank(write));
        entry.and_then(|entry| self.used.get(entry)).map_or(0, |used| match self.ports {
            Ports::Separate => used / WRITE,
            Ports::Shared => used / WRITE + (used & READS),
        })
    }

    /// The first entry of a cycle's row, cleared if an older cycle used it; `None` if a later one does.
    fn row(&mut self, cycle: u64) -> Option<usize> {
        let index = cycle as usize & self.cycle_mask;
        let start = index * self.banks;
        let owner = self.cycles.get_mut(index)?;
        if *owner != cycle {
            if *owner > cycle {
                return None;
            }
            *owner = cycle;
            self.used.get_mut(start..start + self.banks)?.fill(0);
        }
        Some(start)
    }

    /// Takes the ports for both reads, if they are free.
    fn read(&mut self, cycle: u64, [a, b]: [Option<u32>; 2]) -> bool {
        let Some(row) = self.row(cycle) else { return true };
        let Some(a) = a else { return b.is_none_or(|b| self.take(row, b)) };
        let first = row + self.bank(a);
        let before = self.used.get(first).copied();
        if !self.take(row, a) {
            return false;
        }
        if b.is_none_or(|b| self.take(row, b)) {
            return true;
        }
        if let Some((used, before)) = self.used.get_mut(first).zip(before) {
            *used = before;
        }
        false
    }

    /// Takes a port for one read, unless the label is read already.
    fn take(&mut self, row: usize, address: u32) -> bool {
        let entry = row + self.bank(address);
        let (Some(used), Some(labels)) = (self.used.get_mut(entry), self.labels.get_mut(entry)) else { return true };
        let reads = usize::from(*used & READS);
        let written = if self.ports == Ports::Shared { *used / WRITE } else { 0 };
        if labels.iter().take(reads).any(|label| *label == address) {
            return true;
        }
        let Some(label) = labels.get_mut(reads).filter(|_| *used % WRITE + written < PORT_ACCESSES) else {
            return false;
        };
        *label = address;
        *used += READ;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_serves_two_reads_and_two_writes_a_cycle() {
        let mut banks = Banks::new(5, Ports::Separate, 64);
        // Bank 0 is read twice in cycle 5; the third read waits, other banks do not.
        assert_eq!(banks.claim(5, [Some(0), Some(5)], 1, 3), 5);
        assert_eq!(banks.claim(5, [Some(10), Some(1)], 2, 3), 6);
        // A label that is read already costs no port.
        assert_eq!(banks.claim(5, [Some(5), Some(0)], 0, 3), 5);
        assert_eq!(banks.claim(5, [Some(1), Some(2)], 3, 3), 5);
        // Cycle 7 has a write into bank 1; a second fits, a third comes one later.
        assert_eq!(banks.claim(5, [None, None], 6, 3), 5);
        assert_eq!(banks.claim(5, [None, None], 11, 3), 6);
    }

    #[test]
    fn rows_are_used_again_when_their_cycle_has_passed() {
        let mut banks = Banks::new(3, Ports::Separate, 4);
        for cycle in 0..100 {
            assert_eq!(banks.claim(cycle, [Some(0), Some(3)], 1, 1), cycle);
            assert_eq!(banks.claim(cycle, [Some(1), Some(1)], 2, 1), cycle);
        }
    }

    #[test]
    fn a_block_ram_takes_three_cycles_for_two_gates() {
        let mut banks = Banks::new(1, Ports::Shared, 64);
        let mut at = 0;
        for gate in 0..100 {
            at = banks.claim(at + u64::from(gate > 0), [Some(1_000 + 2 * gate), Some(1_001 + 2 * gate)], gate, 1);
        }
        // Two reads and a write over two ports.
        assert!((147..=150).contains(&at), "{at}");
        // With one operand the ports are just enough.
        let mut banks = Banks::new(1, Ports::Shared, 64);
        let mut at = 0;
        for gate in 0..100 {
            at = banks.claim(at + u64::from(gate > 0), [Some(1_000 + gate), None], gate, 1);
        }
        assert!((99..=101).contains(&at), "{at}");
    }

    proptest::proptest! {
        #[test]
        fn no_block_ram_has_more_than_two_accesses_in_a_cycle(
            gates in proptest::collection::vec((0_u64..3, 1_u64..9, 0_u32..40, 0_u32..40, 0_u32..40), 1..200),
            banks in 1_u64..5,
        ) {
            let mut memory = Banks::new(banks, Ports::Shared, 1 << 12);
            let mut at = 0;
            for (wait, latency, a, b, write) in gates {
                at = memory.claim(at + wait, [Some(a), Some(b)], write, latency);
            }
            proptest::prop_assert!(memory.used.iter().all(|used| used / WRITE + (used & READS) <= PORT_ACCESSES));
        }
    }
}
