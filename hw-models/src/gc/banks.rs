//! The banks of the wire memory: who may read and write in which cycle. Neighbouring labels lie in neighbouring banks; labels at
//! strides that share a factor with the number of banks meet in few of them.

/// Reads, and writes, of one bank in one cycle of the gate engines: one port of each kind at twice their clock (HAAC's wire memory
/// runs at 2 GHz beside engines at 1 GHz, as recalled; that a bank has a port of each kind is assumed). A label that is read goes to
/// every engine that asks for it in that cycle.
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
    pub fn new(banks: u64, spread: u64) -> Self {
        let banks = usize::try_from(banks).unwrap_or(MOST_ENTRIES).clamp(1, MOST_ENTRIES);
        let most = (MOST_ENTRIES / banks).max(1);
        let cycles = usize::try_from(spread).unwrap_or(most).min(most).next_power_of_two();
        let mask = banks.is_power_of_two().then_some(banks as u32 - 1);
        let entries = cycles * banks;
        Self {
            banks,
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
            let written = self.row(cycle + latency - 1).map(|row| row + self.bank(write));
            let writable =
                written.and_then(|entry| self.used.get(entry)).is_none_or(|used| *used / WRITE < PORT_ACCESSES);
            if writable && self.read(cycle, reads) {
                if let Some(used) = written.and_then(|entry| self.used.get_mut(entry)) {
                    *used += WRITE;
                }
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
        if labels.iter().take(reads).any(|label| *label == address) {
            return true;
        }
        let Some(label) = labels.get_mut(reads) else { return false };
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
        let mut banks = Banks::new(5, 64);
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
        let mut banks = Banks::new(3, 4);
        for cycle in 0..100 {
            assert_eq!(banks.claim(cycle, [Some(0), Some(3)], 1, 1), cycle);
            assert_eq!(banks.claim(cycle, [Some(1), Some(1)], 2, 1), cycle);
        }
    }
}
