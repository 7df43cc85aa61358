//! The bundled font: registered with plotters once, and measured for layout.

use super::style::{DPI, FONT_HEIGHT_EM};
use plotters::style::{FontFamily, FontStyle, IntoFont, register_font};
use std::sync::OnceLock;

/// Liberation Sans 2.1.5, SIL Open Font License 1.1 (`fonts/LICENSE-OFL.txt`). Its widths equal Arial's and Helvetica's, so an
/// SVG keeps its layout on a machine that has any of the three.
pub static LIBERATION_SANS: &[u8] = include_bytes!("../../fonts/LiberationSans-Regular.ttf");

/// The CSS font list that figures name, and the name under which plotters knows the bundled font.
pub const FAMILY: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

/// Registers the bundled font; cheap after the first call. False if plotters cannot read it.
pub fn register() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, LIBERATION_SANS).is_ok())
}

/// Pixels of one em at `size_pt` points.
pub fn em(size_pt: f64) -> f64 {
    size_pt * DPI / 72.0
}

/// The width of `text` in pixels at `size_pt` points.
pub fn width(text: &str, size_pt: f64) -> i32 {
    if text.is_empty() || !register() {
        return 0;
    }
    let font = (FontFamily::Name(FAMILY), em(size_pt) * FONT_HEIGHT_EM).into_font();
    font.box_size(text).map_or(0, |(width, _)| i32::try_from(width).unwrap_or(i32::MAX))
}

/// `text`, shortened in the middle with an ellipsis until it is at most `limit` pixels wide.
pub fn fit(text: &str, size_pt: f64, limit: i32) -> String {
    if width(text, size_pt) <= limit {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    for keep in (1..letters.len()).rev() {
        let (head, tail) = (keep.div_ceil(2), keep / 2);
        let short: String = letters
            .iter()
            .take(head)
            .chain(std::iter::once(&'…'))
            .chain(letters.iter().skip(letters.len() - tail))
            .collect();
        if width(&short, size_pt) <= limit {
            return short;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_font_is_readable_and_has_sensible_widths() {
        assert!(register());
        // In Liberation Sans (as in Arial) a digit is 0.556 em wide.
        let ten = width("0000000000", 10.0);
        assert!((f64::from(ten) / em(10.0) - 5.56).abs() < 0.05, "{ten}");
    }

    #[test]
    fn long_names_keep_their_head_and_tail() {
        let short = fit("stage3.block12.convolution2", 7.0, 250);
        assert!(width(&short, 7.0) <= 250);
        assert!(short.starts_with("sta") && short.ends_with('2') && short.contains('…'), "{short}");
        assert_eq!(fit("conv1", 7.0, 1000), "conv1");
    }
}
