//! The banks of the wire memory: who may read and write in which cycle.

/// Reads, and writes, of one bank in one cycle of the gate engines: one port of each kind at twice their clock (HAAC's wire memory
/// runs at 2 GHz beside engines at 1 GHz, as recalled; that a bank has a port of each kind is assumed).
pub(super) const PORT_ACCESSES: u8 = 2;

/// The most table entries; a program whose gates spread over more cycles at once is followed only that far.
const MOST_ENTRIES: usize = 1 << 24;

/// Reads use the lower half of an entry, writes the upper one.
const READ: u8 = 1;
const WRITE: u8 = 1 << 4;
const READS: u8 = 0x0f;

/// Accesses by cycle and bank, for a range of cycles that moves with the program.
pub(super) struct Banks {
    banks: usize,
    /// Maps an address to its bank when their number is a power of two.
    mask: Option<u64>,
    cycle_mask: usize,
    cycles: Vec<u64>,
    used: Vec<u8>,
}

impl Banks {
    /// For gates that are at most `spread` cycles apart.
    pub fn new(banks: u64, spread: u64) -> Self {
        let banks = usize::try_from(banks).unwrap_or(MOST_ENTRIES).clamp(1, MOST_ENTRIES);
        let most = (MOST_ENTRIES / banks).max(1);
        let cycles = usize::try_from(spread).unwrap_or(most).min(most).next_power_of_two();
        let mask = banks.is_power_of_two().then_some(banks as u64 - 1);
        Self { banks, mask, cycle_mask: cycles - 1, cycles: vec![u64::MAX; cycles], used: vec![0; cycles * banks] }
    }

    fn bank(&self, address: u64) -> usize {
        match self.mask {
            Some(mask) => (address & mask) as usize,
            None => (address % self.banks as u64) as usize,
        }
    }

    /// The first cycle from `at` in which both operands can be read and, `latency` later, the output be written; takes it.
    /// Operands that do not come from the window are `None`.
    pub fn claim(&mut self, at: u64, reads: [Option<u64>; 2], write: u64, latency: u64) -> u64 {
        let reads = reads.map(|address| address.map(|address| self.bank(address)));
        let write = self.bank(write);
        let mut cycle = at;
        loop {
            if self.readable(cycle, reads) && self.writable(cycle + latency - 1, write) {
                for bank in reads.into_iter().flatten() {
                    self.take(cycle, bank, READ);
                }
                self.take(cycle + latency - 1, write, WRITE);
                return cycle;
            }
            cycle += 1;
        }
    }

    /// The first entry of a cycle's row, cleared if an older cycle used it; `None` if a later one does.
    fn row(&mut self, cycle: u64) -> Option<usize> {
        let index = cycle as usize & self.cycle_mask;
        let start = index * self.banks;
        let owner = self.cycles.get_mut(index)?;
        if *owner != cycle {
            if *owner != u64::MAX && *owner > cycle {
                return None;
            }
            *owner = cycle;
            self.used.get_mut(start..start + self.banks)?.fill(0);
        }
        Some(start)
    }

    fn entry(&mut self, cycle: u64, bank: usize) -> Option<&mut u8> {
        let row = self.row(cycle)?;
        self.used.get_mut(row + bank)
    }

    fn readable(&mut self, cycle: u64, [a, b]: [Option<usize>; 2]) -> bool {
        let same = a.is_some() && a == b;
        let needed = if same { 2 * READ } else { READ };
        [a, b]
            .into_iter()
            .flatten()
            .all(|bank| self.entry(cycle, bank).is_none_or(|used| (*used & READS) + needed <= PORT_ACCESSES))
    }

    fn writable(&mut self, cycle: u64, bank: usize) -> bool {
        self.entry(cycle, bank).is_none_or(|used| *used / WRITE < PORT_ACCESSES)
    }

    fn take(&mut self, cycle: u64, bank: usize, access: u8) {
        if let Some(used) = self.entry(cycle, bank) {
            *used += access;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_serves_two_reads_and_two_writes_a_cycle() {
        let mut banks = Banks::new(4, 64);
        // Bank 0 is read twice in cycle 5; the third read waits, other banks do not.
        assert_eq!(banks.claim(5, [Some(0), Some(4)], 1, 3), 5);
        assert_eq!(banks.claim(5, [Some(8), Some(1)], 2, 3), 6);
        assert_eq!(banks.claim(5, [Some(1), Some(2)], 3, 3), 5);
        // Cycle 7 has a write into bank 1; a second fits, a third comes one later.
        assert_eq!(banks.claim(5, [None, None], 5, 3), 5);
        assert_eq!(banks.claim(5, [None, None], 9, 3), 6);
    }

    #[test]
    fn rows_are_used_again_when_their_cycle_has_passed() {
        let mut banks = Banks::new(3, 4);
        for cycle in 0..100 {
            assert_eq!(banks.claim(cycle, [Some(0), Some(3)], 1, 1), cycle);
            assert_eq!(banks.claim(cycle, [Some(1), Some(1)], 2, 1), cycle);
        }
    }
}
