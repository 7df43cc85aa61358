//! One style for every figure: sizes, type sizes, and fills that differ in hue, in lightness and in hatching, so that they can
//! be told apart by colour-blind readers and on a grey print.

use plotters::style::RGBColor;

/// Pixels per inch of the drawing grid and of the PNG files: print resolution.
pub const DPI: f64 = 300.0;

/// Ascent plus descent of Liberation Sans in em (0.905 + 0.212, from its `hhea` table): the height that plotters' font size means.
pub const FONT_HEIGHT_EM: f64 = 0.905 + 0.212;

/// Width of a figure across two columns, inches.
pub const TWO_COLUMNS_IN: f64 = 7.0;

/// Width of a figure in one column, inches.
pub const ONE_COLUMN_IN: f64 = 3.5;

/// How wide a figure is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Columns {
    /// In one column of a two-column paper.
    One,
    /// Across both columns.
    #[default]
    Two,
}

impl Columns {
    /// Inches.
    pub fn width_in(self) -> f64 {
        match self {
            Self::One => ONE_COLUMN_IN,
            Self::Two => TWO_COLUMNS_IN,
        }
    }
}

/// Type size of titles of panels and of axes, points.
pub const TITLE_PT: f64 = 8.0;

/// Type size of tick labels and legends, points.
pub const LABEL_PT: f64 = 7.0;

/// The smallest type size that is used, points.
pub const SMALL_PT: f64 = 6.0;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
/// Secondary text.
pub const FAINT_INK: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xd4, 0xd4, 0xd4);
/// Every other stage's or group's background.
pub const BAND: RGBColor = RGBColor(0xf3, 0xf3, 0xf3);
/// The paper.
pub const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Inches in pixels of the drawing grid.
pub fn inches(value: f64) -> i32 {
    (value * DPI).round() as i32
}

/// Points in pixels of the drawing grid.
pub fn points(value: f64) -> i32 {
    (value * DPI / 72.0).round() as i32
}

/// Lines over a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hatch {
    /// None.
    Plain,
    /// Rising lines.
    Rising,
    /// Falling lines.
    Falling,
    /// Horizontal lines.
    Level,
}

/// How an area is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The colour of the area.
    pub color: RGBColor,
    /// The pattern over it.
    pub hatch: Hatch,
}

impl Fill {
    /// A fill of colour `rgb` (0xRRGGBB).
    pub const fn new(rgb: u32, hatch: Hatch) -> Self {
        Self { color: RGBColor((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8), hatch }
    }

    /// Lightness of the colour from 0 (black) to 1 (white): the grey that a print without colour shows (Rec. 601 luma).
    pub fn lightness(self) -> f64 {
        let RGBColor(r, g, b) = self.color;
        (0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)) / 255.0
    }

    /// The colour of the hatching: light on dark areas and dark on light ones.
    pub fn hatch_color(self) -> RGBColor {
        if self.lightness() < 0.6 { PAPER } else { RGBColor(0x66, 0x66, 0x66) }
    }
}

/// The fill of a phase (`setup`, `offline`, `online`).
pub fn phase(name: &str) -> Fill {
    match name {
        "setup" => Fill::new(0xe6_e6_e6, Hatch::Rising),
        "offline" => Fill::new(0x7f_a8_d1, Hatch::Plain),
        _ => Fill::new(0x0b_3c_6f, Hatch::Plain),
    }
}

/// Bytes from the client to the server.
pub const UP: Fill = Fill::new(0xf1_c2_7d, Hatch::Rising);
/// Bytes from the server to the client.
pub const DOWN: Fill = Fill::new(0x6a_3d_9a, Hatch::Plain);
/// A single series: energy by layer.
pub const ENERGY: Fill = Fill::new(0xb2_5d_2a, Hatch::Plain);
/// ReLUs by layer.
pub const RELUS: Fill = Fill::new(0xd5_5e_00, Hatch::Plain);
/// MACs by layer.
pub const MACS: Fill = Fill::new(0x1f_5a_94, Hatch::Plain);

/// Colours of series, from dark to light and none of them told apart by hue alone: each comes with a marker of its own.
const SERIES: [u32; 6] = [0x0b_3c_6f, 0xd0_64_2a, 0x1b_7f_5c, 0x6a_3d_9a, 0xb0_8a_00, 0x80_80_80];

/// The colour of the `index`-th series; after six they repeat.
pub fn series(index: usize) -> RGBColor {
    let color = SERIES.get(index % SERIES.len()).copied().unwrap_or_default();
    Fill::new(color, Hatch::Plain).color
}

/// The fill of the `index`-th series of bars: hatches change with every turn of colours.
pub fn series_fill(index: usize) -> Fill {
    let hatches = [Hatch::Plain, Hatch::Rising, Hatch::Falling, Hatch::Level];
    Fill { color: series(index), hatch: hatches.get(index % hatches.len()).copied().unwrap_or(Hatch::Plain) }
}

/// The fill of a unit's energy, by the unit's name (`server.gc-engine`, `link`, `client.static`, …).
pub fn unit(name: &str) -> Fill {
    let (party, kind) = name.split_once('.').unwrap_or(("", name));
    let client = party == "client";
    let pick = |server: u32, at_client: u32, hatch: Hatch| {
        if client { Fill::new(at_client, Hatch::Rising) } else { Fill::new(server, hatch) }
    };
    if name.starts_with("link") {
        return Fill::new(if name.ends_with("down") { 0x8a_8a_8a } else { 0xc4_c4_c4 }, Hatch::Falling);
    }
    match kind {
        k if k.starts_with("he") => pick(0x0b_3c_6f, 0x56_7f_b0, Hatch::Plain),
        k if k.starts_with("gc") => pick(0xd0_64_2a, 0xe0_8a_52, Hatch::Plain),
        k if k.starts_with("mac") => pick(0x1b_7f_5c, 0x8f_c9_b2, Hatch::Level),
        k if k.starts_with("cpu") => pick(0x6a_3d_9a, 0xca_b2_d6, Hatch::Plain),
        k if k.starts_with("mem") => pick(0xf0_d9_7c, 0xe3_d0_8a, Hatch::Plain),
        "static" => Fill::new(0xf4_f4_f4, if client { Hatch::Rising } else { Hatch::Falling }),
        k if k.starts_with("storage") => pick(0x3b_3b_3b, 0x6f_6f_6f, Hatch::Level),
        _ => pick(0x80_80_80, 0xa8_a8_a8, Hatch::Level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_differ_by_clear_steps_of_grey() {
        let [a, b, c] = ["setup", "offline", "online"].map(|p| phase(p).lightness());
        assert!(a - b > 0.2 && b - c > 0.2, "{a} {b} {c}");
    }

    #[test]
    fn units_of_one_platform_differ_in_grey_or_in_hatching() {
        let names = [
            "client.cpu",
            "client.memory",
            "client.static",
            "link.up",
            "link.down",
            "server.cpu",
            "server.gc-engine",
            "server.he-engine",
            "server.mac-array",
            "server.memory",
            "server.static",
        ];
        for (i, a) in names.iter().enumerate() {
            for b in names.iter().skip(i + 1) {
                let (x, y) = (unit(a), unit(b));
                assert!(
                    x.hatch != y.hatch || (x.lightness() - y.lightness()).abs() > 0.06,
                    "{a} looks like {b} in grey"
                );
            }
        }
    }
}
