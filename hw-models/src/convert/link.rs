//! Checks of the link: two rates, or a total and the part of one direction.

use super::Checked;
use crate::check::Check;
use crate::link::{Link, UpShare};
use crate::raw::RawLink;
use pisim_settings::BitRate;

pub(super) fn link(check: &Check<'_>, raw: &RawLink) -> Checked<Link> {
    let rate = |key: &str, rate: BitRate| check.within(key, rate, "1 kbps", "100 Tbps").map(BitRate::bits_per_s);
    let beside = |key: &str| check.error(key, "given beside `total`, which it is a part of; expected one of the two");
    let link = Link {
        up_bits_per_s: 0.0,
        down_bits_per_s: 0.0,
        optimal_split: false,
        round_trip_s: check.within("round_trip", raw.round_trip, "0 s", "60 s")?.seconds(),
        energy_per_bit_j: check.within("energy", raw.energy, "0 J/bit", "1 mJ/bit")?.joules_per_bit(),
        message_overhead_bytes: check.within("message_overhead", raw.message_overhead, "0 B", "1 MiB")?.bytes(),
    };
    match (raw.up, raw.down, raw.total, raw.up_share) {
        (Some(up), Some(down), None, None) => {
            Ok(Link { up_bits_per_s: rate("up", up)?, down_bits_per_s: rate("down", down)?, ..link })
        }
        (None, None, Some(total), Some(share)) => {
            let total = rate("total", total)?;
            if let UpShare::Fixed(part) = share {
                check.within("up_share", part, "0.001", "0.999")?;
            }
            let mut link = link;
            link.set_total(total, share);
            Ok(link)
        }
        (Some(_), _, Some(_), _) => Err(beside("up")),
        (None, Some(_), Some(_), _) => Err(beside("down")),
        (None, None, Some(_), None) => Err(check.error("up_share", "missing; expected it beside `total`")),
        (_, _, None, Some(_)) => Err(check.error("up_share", "a part of nothing; expected `total` beside it")),
        (up, _, None, None) => {
            let key = if up.is_none() { "up" } else { "down" };
            Err(check.error(key, "missing; expected `up` and `down`, or `total` and `up_share`"))
        }
    }
}
