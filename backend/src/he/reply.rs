//! The server's reply for one tile and output group, without the low bits that nobody needs.

use super::context::HeContext;
use super::pack::{BitReader, BitWriter};
use crate::error::{BackendError, Result};
use pisim_protocol::ConvPlan;
use pisim_protocol::he::ReplyFormat;

/// A reply in the limbs that are left, not transformed: the coefficients of c₀ that hold outputs, and all of c₁.
pub struct Reply {
    pub(super) values: Vec<Vec<u64>>,
    pub(super) uniform: Vec<Vec<u64>>,
}

impl Reply {
    /// Serialises the reply.
    pub fn write(&self, context: &HeContext, plan: &ConvPlan, writer: &mut BitWriter) {
        let ReplyFormat { dropped_value_bits, dropped_uniform_bits, .. } = plan.reply;
        for (limb, (uniform, values)) in context.limbs.iter().zip(self.uniform.iter().zip(&self.values)) {
            for (residues, dropped) in [(uniform, dropped_uniform_bits), (values, dropped_value_bits)] {
                writer.write(residues.iter().map(|residue| residue >> dropped), limb.bits - dropped);
            }
        }
    }

    /// Reads reply number `index`. Of what the low bits may have been it takes the middle.
    ///
    /// # Errors
    /// Coefficients above their modulus.
    pub fn read(
        context: &HeContext,
        plan: &ConvPlan,
        index: usize,
        reader: &mut BitReader<'_>,
        step: usize,
    ) -> Result<Self> {
        let (tile, group) = plan.reply_place(index);
        let ReplyFormat { dropped_value_bits, dropped_uniform_bits, .. } = plan.reply;
        let mut reply = Self { values: Vec::new(), uniform: Vec::new() };
        for limb in context.limbs.iter().take(context.params.response_limbs) {
            let mut read = |count, dropped: u32| {
                let mut residues = Vec::with_capacity(count);
                reader.read_into(&mut residues, count, limb.bits - dropped);
                let middle = (1u64 << dropped) >> 1;
                for residue in &mut residues {
                    let least = *residue << dropped;
                    if least >= limb.modulus {
                        return Err(BackendError::protocol(
                            step,
                            "received a reply with a coefficient above its modulus",
                        ));
                    }
                    *residue = limb.add(least, middle);
                }
                Ok(residues)
            };
            reply.uniform.push(read(plan.degree, dropped_uniform_bits)?);
            reply.values.push(read(plan.reply_values(tile, group), dropped_value_bits)?);
        }
        Ok(reply)
    }
}
