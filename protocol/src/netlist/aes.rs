//! AES-128 (FIPS-197) with its key schedule as one circuit: 200 S-boxes of AND depth 4, so 6,800 AND gates of depth 40.
//!
//! The public circuit that garbling papers use ("AES-non-expanded") has the same AND gates and AND depth. Its linear
//! layers were found by a search, so that XOR, INV and level counts differ a little; a test states by how much.

use super::raw::RawBuilder;
use crate::circuit::Wire;

/// A byte, least significant bit first.
type Byte = [Wire; 8];
/// A column of the state, or a word of the key.
type Word = [Byte; 4];
/// The state column by column, or a round key.
type State = [Word; 4];

/// Rounds of AES-128.
const ROUNDS: u32 = 10;

impl RawBuilder {
    /// Encrypts the 128 bits of `block` under the 128 bits of `key`: byte 0 first, each byte least significant bit
    /// first.
    pub fn aes128(&mut self, key: &[Wire], block: &[Wire]) -> Vec<Wire> {
        let mut key = state(key);
        let mut state = self.add_round_key(state(block), key);
        let mut round_constant = 1u8;
        for round in 1..=ROUNDS {
            key = self.next_round_key(key, round_constant);
            round_constant = round_constant << 1 ^ if round_constant & 0x80 == 0 { 0 } else { 0x1b };
            state = state.map(|column| column.map(|byte| self.sbox(byte)));
            state = shift_rows(state);
            if round < ROUNDS {
                state = state.map(|column| self.mix_column(column));
            }
            state = self.add_round_key(state, key);
        }
        state.into_iter().flatten().flatten().collect()
    }

    fn add_bytes(&mut self, a: Byte, b: Byte) -> Byte {
        let mut pairs = a.into_iter().zip(b);
        a.map(|_| pairs.next().map_or(0, |(a, b)| self.xor(a, b)))
    }

    fn add_words(&mut self, a: Word, b: Word) -> Word {
        let mut pairs = a.into_iter().zip(b);
        a.map(|byte| pairs.next().map_or(byte, |(a, b)| self.add_bytes(a, b)))
    }

    fn add_round_key(&mut self, state: State, key: State) -> State {
        let mut pairs = state.into_iter().zip(key);
        state.map(|word| pairs.next().map_or(word, |(a, b)| self.add_words(a, b)))
    }

    fn next_round_key(&mut self, key: State, round_constant: u8) -> State {
        let [_, _, _, last] = key;
        let [a, b, c, d] = last;
        let mut previous = [b, c, d, a].map(|byte| self.sbox(byte));
        let [first, ..] = &mut previous;
        for (position, bit) in first.iter_mut().enumerate() {
            if round_constant >> position & 1 == 1 {
                *bit = self.not(*bit);
            }
        }
        key.map(|word| {
            previous = self.add_words(word, previous);
            previous
        })
    }
}

fn state(bits: &[Wire]) -> State {
    let mut bits = bits.iter().copied();
    [[[(); 8]; 4]; 4].map(|word| word.map(|byte| byte.map(|()| bits.next().unwrap_or_default())))
}

/// Row `r` moves `r` columns to the left.
fn shift_rows([w, x, y, z]: State) -> State {
    let column = |[a, _, _, _]: Word, [_, b, _, _]: Word, [_, _, c, _]: Word, [_, _, _, d]: Word| [a, b, c, d];
    [column(w, x, y, z), column(x, y, z, w), column(y, z, w, x), column(z, w, x, y)]
}
