//! Where a layer's values go in its ciphertexts, at the client: packing, and unpacking of the replies.

use super::cipher::SecretKey;
use super::context::HeContext;
use super::ordered::in_order;
use super::pack::{BitReader, BitWriter};
use super::reply::Reply;
use crate::error::{BackendError, Result};
use crate::random::Seed;
use pisim_protocol::ConvPlan;
use rayon::prelude::*;

/// The plaintext of input ciphertext `index`, `[tile][group]`, of a layer's values `[channel][y][x]`.
pub fn pack_input(plan: &ConvPlan, values: &[u64], index: usize) -> Vec<u64> {
    let shape = &plan.shape;
    let (tile, group) = (index / plan.input_groups(), index % plan.input_groups());
    let mut coefficients = vec![0; plan.degree];
    for y in 0..plan.tile_height() {
        for x in 0..plan.tile_width() {
            let Some((row, column)) = plan.input_pixel(tile, y, x) else { continue };
            for (local, channel) in plan.input_channels(group).enumerate() {
                coefficients[plan.input_position(local, y, x)] =
                    values[(channel * shape.in_height + row) * shape.in_width + column];
            }
        }
    }
    coefficients
}

/// Encrypts a layer's input `[channel][y][x]` and hands the serialised ciphertexts to `emit`, one after the other, while
/// later ones are made.
///
/// # Errors
/// Values of another number than the plan's; the first error of `emit`.
pub fn encrypt_each(
    context: &HeContext,
    plan: &ConvPlan,
    key: &SecretKey,
    values: &[u64],
    seed: &Seed,
    emit: impl FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<()> {
    if values.len() != plan.shape.inputs() {
        return Err(BackendError::program("the values do not belong to the layer"));
    }
    let make = |index| {
        let plaintext = pack_input(plan, values, index);
        let mut writer = BitWriter::default();
        key.encrypt(context, &plaintext, &seed.derive("ciphertext", index as u64)).write(context, &mut writer);
        writer.finish()
    };
    in_order(plan.input_ciphertexts() as usize, make, emit)
}

/// The outputs of one reply: coefficient and place in the layer's output `[channel][y][x]`.
pub(super) fn reply_positions(plan: &ConvPlan, tile: usize, group: usize) -> Vec<(usize, usize)> {
    let (rows, columns) = plan.tile_outputs(tile);
    let (height, width) = (plan.shape.out_height(), plan.shape.out_width());
    let mut positions = Vec::with_capacity(plan.reply_values(tile, group));
    for (local, channel) in plan.output_channels(group).enumerate() {
        for y in rows.clone() {
            for x in columns.clone().filter(|x| plan.computes(y, *x)) {
                let coefficient = plan.output_position(local, y - rows.start, x - columns.start);
                positions.push((coefficient, (channel * height + y) * width + x));
            }
        }
    }
    positions
}

/// Bytes of reply number `index`.
pub fn reply_len(plan: &ConvPlan, index: usize) -> usize {
    let (tile, group) = plan.reply_place(index);
    plan.one_reply_bytes(plan.reply_values(tile, group)) as usize
}

/// Decrypts replies `first`, `first + 1`, …, one for each of `replies`, in parallel, into the layer's output
/// `[channel][y][x]`.
///
/// # Errors
/// Replies of a wrong length or with coefficients above their modulus; an output of another size than the plan's.
pub fn decrypt_replies<B: AsRef<[u8]> + Sync>(
    context: &HeContext,
    plan: &ConvPlan,
    key: &SecretKey,
    first: usize,
    replies: &[B],
    step: usize,
    outputs: &mut [u64],
) -> Result<()> {
    if outputs.len() != plan.shape.outputs() || (first + replies.len()) as u64 > plan.output_ciphertexts() {
        return Err(BackendError::program("the replies or outputs do not belong to the layer"));
    }
    let decrypt = |(index, bytes): (usize, &B)| {
        let bytes = bytes.as_ref();
        if bytes.len() != reply_len(plan, index) {
            return Err(BackendError::protocol(step, "received a reply of a wrong length"));
        }
        let reply = Reply::read(context, plan, index, &mut BitReader::new(bytes), step)?;
        let (tile, group) = plan.reply_place(index);
        let (coefficients, places): (Vec<usize>, Vec<usize>) = reply_positions(plan, tile, group).into_iter().unzip();
        Ok((places, key.decrypt(context, &reply, &coefficients)))
    };
    let decrypted: Vec<(Vec<usize>, Vec<u64>)> = replies
        .par_iter()
        .enumerate()
        .map(|(offset, bytes)| decrypt((first + offset, bytes)))
        .collect::<Result<_>>()?;
    for (places, values) in decrypted {
        for (place, value) in places.into_iter().zip(values) {
            outputs[place] = value;
        }
    }
    Ok(())
}

/// Decrypts all replies of a layer, which follow each other in `bytes`, into its output `[channel][y][x]`.
///
/// # Errors
/// As [`decrypt_replies`].
pub fn decrypt_all(
    context: &HeContext,
    plan: &ConvPlan,
    key: &SecretKey,
    bytes: &[u8],
    step: usize,
) -> Result<Vec<u64>> {
    let mut rest = bytes;
    let mut replies = Vec::with_capacity(plan.output_ciphertexts() as usize);
    for index in 0..plan.output_ciphertexts() as usize {
        let (reply, behind) = rest.split_at(reply_len(plan, index).min(rest.len()));
        replies.push(reply);
        rest = behind;
    }
    let mut outputs = vec![0; plan.shape.outputs()];
    decrypt_replies(context, plan, key, 0, &replies, step, &mut outputs)?;
    Ok(outputs)
}
