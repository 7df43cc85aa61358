//! The bytes of garbled circuits, labels and encoders in Delphi's layout (`pisim_protocol::wire::delphi`).
//!
//! Readers check every length and tag, so that any bytes are either exactly what a writer writes or nothing.

use super::super::hash::Block;
use super::super::plan::GatePlan;
use pisim_protocol::circuit::Inputs;
use pisim_protocol::wire::delphi::{BLOCK_BYTES, BLOCKS_PER_OUTPUT, CONSTANTS, LABEL_BYTES, LENGTH_BYTES, MASK_BYTES};

const BLOCK: usize = BLOCK_BYTES as usize;
const LABEL: usize = LABEL_BYTES as usize;
const LENGTH: usize = LENGTH_BYTES as usize;
const MASK: usize = MASK_BYTES as usize;

/// The number of the wire's kind before a label: of wires that carry bits.
const BIT_WIRE: u32 = 0;

/// The modulus of such wires: the key of the one offset in an encoder.
const BIT_MODULUS: u16 = 2;

/// What one garbled circuit consists of.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Its inputs.
    pub inputs: Inputs,
    /// Blocks of its gates' tables.
    pub table_blocks: usize,
    /// Its outputs.
    pub outputs: usize,
}

impl Layout {
    /// The layout of a circuit's instances.
    pub fn of(plan: &GatePlan) -> Self {
        Self { inputs: plan.inputs, table_blocks: plan.table_blocks(), outputs: plan.outputs.len() }
    }

    /// Blocks of one garbled circuit: the labels of both constants, the tables, and two hashes for each output.
    pub fn blocks(&self) -> usize {
        CONSTANTS as usize + self.table_blocks + BLOCKS_PER_OUTPUT as usize * self.outputs
    }

    /// Bytes of one garbled circuit.
    pub fn circuit_bytes(&self) -> usize {
        LENGTH + BLOCK * self.blocks()
    }

    /// Bytes of one record of the tables' message: a garbled circuit and the labels of the garbler's offline inputs.
    pub fn record_bytes(&self) -> usize {
        self.circuit_bytes() + LABEL * self.inputs.garbler_offline
    }

    /// Bytes of what the garbler keeps of one instance: an encoder, and the element that masks its output.
    pub fn encoder_bytes(&self) -> usize {
        3 * LENGTH + size_of_val(&BIT_MODULUS) + LABEL * (self.inputs.total() + 1) + MASK
    }

    /// Writes one record.
    pub fn write_record(&self, record: &mut [u8], blocks: impl Iterator<Item = Block>, offline: &[Block]) {
        let Some((circuit, labels)) = record.split_at_mut_checked(self.circuit_bytes()) else { return };
        let Some((length, places)) = circuit.split_first_chunk_mut() else { return };
        *length = (self.blocks() as u64).to_le_bytes();
        for (place, block) in places.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks) {
            write_block(place, block);
        }
        write_labels(labels, offline);
    }

    /// Reads one record: calls `block` for every block of the circuit, and writes the offline inputs' labels.
    pub fn read_record(&self, record: &[u8], mut block: impl FnMut(usize, Block), offline: &mut [Block]) -> Option<()> {
        let (circuit, labels) = record.split_at_checked(self.circuit_bytes())?;
        let (length, places) = circuit.split_first_chunk()?;
        if u64::from_le_bytes(*length) != self.blocks() as u64 {
            return None;
        }
        for (position, place) in places.as_chunks::<BLOCK>().0.iter().enumerate() {
            block(position, read_block(place)?);
        }
        read_labels(labels, offline)
    }

    /// Writes one encoder: the zero labels of all inputs in the circuit's order with Δ behind them, and the mask.
    pub fn write_encoder(&self, bytes: &mut [u8], labels: &[Block], mask: u64) {
        let Inputs { garbler_online: online, evaluator, garbler_offline: offline } = self.inputs;
        if bytes.len() != self.encoder_bytes() || labels.len() != self.inputs.total() + 1 {
            return;
        }
        let (garbler, rest) = labels.split_at(online);
        let (evaluators, rest) = rest.split_at(evaluator);
        let (masks, delta) = rest.split_at(offline);
        let mut writer = Writer(bytes);
        writer.put(&((online + offline) as u64).to_le_bytes());
        writer.labels(garbler);
        writer.labels(masks);
        writer.put(&(evaluator as u64).to_le_bytes());
        writer.labels(evaluators);
        writer.put(&1u64.to_le_bytes());
        writer.put(&BIT_MODULUS.to_le_bytes());
        writer.labels(delta);
        writer.put(&mask.to_le_bytes());
    }

    /// Reads one encoder into the order of [`Layout::write_encoder`]; returns the mask.
    pub fn read_encoder(&self, bytes: &[u8], labels: &mut [Block]) -> Option<u64> {
        let Inputs { garbler_online: online, evaluator, garbler_offline: offline } = self.inputs;
        if bytes.len() != self.encoder_bytes() || labels.len() != self.inputs.total() + 1 {
            return None;
        }
        let (garbler, rest) = labels.split_at_mut(online);
        let (evaluators, rest) = rest.split_at_mut(evaluator);
        let (masks, delta) = rest.split_at_mut(offline);
        let mut reader = Reader(bytes);
        reader.expect(&((online + offline) as u64).to_le_bytes())?;
        reader.labels(garbler)?;
        reader.labels(masks)?;
        reader.expect(&(evaluator as u64).to_le_bytes())?;
        reader.labels(evaluators)?;
        reader.expect(&1u64.to_le_bytes())?;
        reader.expect(&BIT_MODULUS.to_le_bytes())?;
        reader.labels(delta)?;
        reader.0.try_into().ok().map(u64::from_le_bytes)
    }
}

struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.0.split_off_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn labels(&mut self, labels: &[Block]) {
        if let Some(place) = self.0.split_off_mut(..LABEL * labels.len()) {
            write_labels(place, labels);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        (self.0.split_off(..bytes.len())? == bytes).then_some(())
    }

    fn labels(&mut self, labels: &mut [Block]) -> Option<()> {
        read_labels(self.0.split_off(..LABEL * labels.len())?, labels)
    }
}

fn write_block(place: &mut [u8; BLOCK], block: Block) {
    let (length, bytes) = place.split_at_mut(LENGTH);
    length.copy_from_slice(&(size_of::<Block>() as u64).to_le_bytes());
    bytes.copy_from_slice(&block.to_le_bytes());
}

fn read_block(place: &[u8; BLOCK]) -> Option<Block> {
    let (length, bytes) = place.split_first_chunk()?;
    let block = bytes.try_into().ok().map(Block::from_le_bytes);
    block.filter(|_| u64::from_le_bytes(*length) == size_of::<Block>() as u64)
}

/// Writes wire labels, each with its tag and length.
pub fn write_labels(bytes: &mut [u8], labels: &[Block]) {
    for (place, label) in bytes.as_chunks_mut::<LABEL>().0.iter_mut().zip(labels) {
        let (tag, block) = place.split_at_mut(size_of_val(&BIT_WIRE));
        tag.copy_from_slice(&BIT_WIRE.to_le_bytes());
        if let Ok(block) = block.try_into() {
            write_block(block, *label);
        }
    }
}

/// Reads as many wire labels as there are places for; none if the bytes are anything else.
pub fn read_labels(bytes: &[u8], labels: &mut [Block]) -> Option<()> {
    if bytes.len() != LABEL * labels.len() {
        return None;
    }
    for (place, label) in bytes.as_chunks::<LABEL>().0.iter().zip(labels) {
        let (tag, block) = place.split_first_chunk()?;
        if u32::from_le_bytes(*tag) != BIT_WIRE {
            return None;
        }
        *label = read_block(block.try_into().ok()?)?;
    }
    Some(())
}

/// Writes vectors of `each` labels, each with its length: the labels of one instance's online share.
pub fn write_label_vectors(bytes: &mut [u8], labels: &[Block], each: usize) {
    let vectors = bytes.chunks_exact_mut(LENGTH + LABEL * each).zip(labels.chunks_exact(each.max(1)));
    for (bytes, labels) in vectors {
        if let Some((length, bytes)) = bytes.split_first_chunk_mut() {
            *length = (each as u64).to_le_bytes();
            write_labels(bytes, labels);
        }
    }
}

/// The reverse of [`write_label_vectors`].
pub fn read_label_vectors(bytes: &[u8], labels: &mut [Block], each: usize) -> Option<()> {
    let vector = LENGTH + LABEL * each;
    if !labels.len().is_multiple_of(each.max(1)) || bytes.len() != labels.len() / each.max(1) * vector {
        return None;
    }
    for (bytes, labels) in bytes.chunks_exact(vector).zip(labels.chunks_exact_mut(each.max(1))) {
        let (length, bytes) = bytes.split_first_chunk()?;
        if u64::from_le_bytes(*length) != each as u64 {
            return None;
        }
        read_labels(bytes, labels)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(online: usize, evaluator: usize, offline: usize, ands: usize, outputs: usize) -> Layout {
        let inputs = Inputs { garbler_online: online, evaluator, garbler_offline: offline };
        Layout { inputs, table_blocks: 2 * ands, outputs }
    }

    #[test]
    fn delphis_relu_has_the_published_sizes() {
        let server = layout(42, 42, 42, 288, 42);
        assert_eq!((server.blocks(), server.circuit_bytes(), server.record_bytes()), (662, 15_896, 17_072));
        assert_eq!(server.encoder_bytes(), 3_582 + 8);
        assert_eq!(layout(0, 42, 84, 288, 42).record_bytes(), 15_896 + 84 * 28);
        assert_eq!(layout(0, 42, 84, 288, 42).encoder_bytes(), 3_590);
    }

    proptest! {
        #[test]
        fn records_and_encoders_come_back_and_no_other_bytes_are_read(
            (online, evaluator, offline) in (0usize..4, 0usize..4, 0usize..4), ands in 0usize..4, outputs in 0usize..4,
            words in proptest::collection::vec(any::<Block>(), 64), mask: u64, flipped: proptest::sample::Index, bit in 0u8..8,
        ) {
            let layout = layout(online, evaluator, offline, ands, outputs);
            let mut record = vec![0; layout.record_bytes()];
            layout.write_record(&mut record, words.iter().copied(), &words[40..40 + offline]);
            let read = |record: &[u8]| {
                let (mut blocks, mut labels) = (vec![0; layout.blocks()], vec![0; offline]);
                layout.read_record(record, |at, block| blocks[at] = block, &mut labels).map(|()| [blocks, labels])
            };
            prop_assert_eq!(read(&record), Some([words[..layout.blocks()].to_vec(), words[40..40 + offline].to_vec()]));
            let mut encoder = vec![0; layout.encoder_bytes()];
            let labels = &words[..layout.inputs.total() + 1];
            layout.write_encoder(&mut encoder, labels, mask);
            let decode = |bytes: &[u8]| {
                let mut labels = vec![0; layout.inputs.total() + 1];
                layout.read_encoder(bytes, &mut labels).map(|mask| (labels, mask))
            };
            prop_assert_eq!(decode(&encoder), Some((labels.to_vec(), mask)));
            for short in [&record[1..], &[&record[..], &[0]].concat()] {
                prop_assert_eq!(read(short), None);
            }
            prop_assert_eq!(decode(&encoder[1..]), None);
            // Another byte is another value or an error.
            let at = flipped.index(record.len());
            record[at] ^= 1 << bit;
            if let Some([blocks, labels]) = read(&record) {
                let mut again = vec![0; layout.record_bytes()];
                layout.write_record(&mut again, blocks.into_iter(), &labels);
                prop_assert_eq!(again, record);
            }
            let at = flipped.index(encoder.len());
            encoder[at] ^= 1 << bit;
            if let Some((labels, mask)) = decode(&encoder) {
                let mut again = vec![0; layout.encoder_bytes()];
                layout.write_encoder(&mut again, &labels, mask);
                prop_assert_eq!(again, encoder);
            }
        }

        #[test]
        fn vectors_of_labels_come_back_and_no_other_bytes_are_read(
            labels in proptest::collection::vec(any::<Block>(), 0..40), each in 1usize..5,
            flipped: proptest::sample::Index, bit in 0u8..8,
        ) {
            let labels = &labels[..labels.len() / each * each];
            let mut bytes = vec![0; labels.len() * 28 + labels.len() / each * 8];
            write_label_vectors(&mut bytes, labels, each);
            let read = |bytes: &[u8]| {
                let mut labels = vec![0; labels.len()];
                read_label_vectors(bytes, &mut labels, each).map(|()| labels)
            };
            prop_assert_eq!(read(&bytes), Some(labels.to_vec()));
            prop_assert_eq!(read(&[&bytes[..], &[0]].concat()), None);
            prop_assume!(!bytes.is_empty());
            prop_assert_eq!(read(&bytes[1..]), None);
            let at = flipped.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Some(labels) = read(&bytes) {
                let mut again = vec![0; bytes.len()];
                write_label_vectors(&mut again, &labels, each);
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let layout = layout(1, 1, 1, 1, 1);
            let _ = layout.read_record(&bytes, |_, _| {}, &mut [0]);
            let _ = layout.read_encoder(&bytes, &mut [0; 4]);
            let _ = read_label_vectors(&bytes, &mut [0; 4], 2);
            let _ = read_labels(&bytes, &mut [0; 4]);
        }
    }
}
