//! Which packing a convolution gets: the cheapest among those whose noise bounds hold.

use super::{ConvPlan, ConvShape};
use crate::he::HeParams;
use crate::noise::{NoiseMargin, ReplyFormat};

/// Why no packing of a convolution exists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackingFault {
    /// One kernel window alone has more pixels than a ciphertext has coefficients.
    Pixels,
    /// One image has more pixels than a row has slots.
    Row,
    /// The noise of every packing is too large; the bound of the one with the least noise.
    Noise(NoiseMargin),
}

impl ConvPlan {
    /// The plan with the least modelled cost ([`planning_cost_ns`]) among those whose noise bounds hold for weights of
    /// `weight_bits` bits.
    ///
    /// # Errors
    /// None fits one ciphertext, or none has little enough noise.
    pub fn choose(shape: ConvShape, he: &HeParams, weight_bits: u32) -> Result<Self, PackingFault> {
        let template = Self {
            shape,
            degree: he.degree,
            limbs: he.limb_bits.len(),
            response_limbs: he.response_limbs,
            limb_bits: he.limb_bits.clone(),
            subsample: if shape.kernel == 1 && shape.padding == 0 { shape.stride } else { 1 },
            tile_out_height: shape.out_height(),
            tile_out_width: shape.out_width(),
            channels_in: 1,
            channels_out: 1,
            reply: ReplyFormat::default(),
            prepared: false,
            kept: None,
        };
        let (mut best, mut broken): (Option<(f64, Self)>, Option<NoiseMargin>) = (None, None);
        for tiled in template.tilings() {
            for mut plan in tiled.channel_choices() {
                plan.reply = he.reply_format(&plan, weight_bits);
                let cost = planning_cost_ns(&plan);
                if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
                    continue;
                }
                match he.noise_margins(&plan, weight_bits).into_iter().find(|margin| !margin.holds()) {
                    None => best = Some((cost, plan)),
                    Some(margin) if broken.is_none_or(|least| margin.noise < least.noise) => broken = Some(margin),
                    Some(_) => {}
                }
            }
        }
        best.map(|(_, plan)| plan).ok_or(broken.map_or(PackingFault::Pixels, PackingFault::Noise))
    }

    /// This plan in every tiling worth trying.
    fn tilings(&self) -> Vec<Self> {
        let (height, width) = (self.shape.out_height(), self.shape.out_width());
        let rows = splits(height);
        let tiling = |columns: usize, rows: usize| Self {
            tile_out_height: height.div_ceil(rows),
            tile_out_width: width.div_ceil(columns),
            ..self.clone()
        };
        splits(width)
            .into_iter()
            .flat_map(|columns| rows.iter().map(move |rows| (columns, *rows)))
            .map(|(columns, rows)| tiling(columns, rows))
            .collect()
    }

    /// The plans of this tiling that differ in how channels share a polynomial.
    fn channel_choices(&self) -> Vec<Self> {
        let channels_per_polynomial = self.degree / self.tile_len();
        let mut choices = Vec::new();
        let mut last_groups = 0;
        for limit in 1..=channels_per_polynomial.min(self.shape.in_channels) {
            let groups = self.shape.in_channels.div_ceil(limit);
            if groups == last_groups {
                continue;
            }
            last_groups = groups;
            let channels_in = self.shape.in_channels.div_ceil(groups);
            let fitting = (channels_per_polynomial / channels_in).min(self.shape.out_channels);
            let channels_out = self.shape.out_channels.div_ceil(self.shape.out_channels.div_ceil(fitting));
            choices.push(Self { channels_in, channels_out, ..self.clone() });
        }
        choices
    }
}

/// Numbers of equal parts worth trying for a length: all small ones, then about each half more.
fn splits(len: usize) -> Vec<usize> {
    let mut splits = Vec::new();
    let mut parts = 1;
    while parts <= len {
        splits.push(parts);
        parts = if parts < 8 { parts + 1 } else { parts * 3 / 2 };
    }
    if splits.last() != Some(&len) {
        splits.push(len);
    }
    splits
}

/// The planner's cost of a plan in nanoseconds of one reference core and a 1 Gbit/s link. It only ranks plans of one layer.
///
/// Rates measured with AVX-512 IFMA: 7 µs per transform at N = 4096, 0.2 ns per lazily reduced product (all other products
/// hardly matter), 1.5 ns per sampled coefficient; 8 ns per byte.
fn planning_cost_ns(plan: &ConvPlan) -> f64 {
    let work = crate::he::linear_work(plan);
    let degree = plan.degree as f64;
    let transform_ns = 7000.0 * degree * f64::from(plan.degree.max(1).ilog2()) / (4096.0 * 12.0);
    let bytes = plan.fresh_ciphertext_bytes() * plan.input_ciphertexts() + plan.reply_bytes();
    work.ntts as f64 * transform_ns
        + work.mod_muls as f64 * 0.2
        + work.sampled_coefficients as f64 * 1.5
        + bytes as f64 * 8.0
}
