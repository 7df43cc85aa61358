//! Draws a scene: the same shapes over plotters' drawing area, as SVG text and as PNG bytes.

use super::font::{self, FAMILY, em};
use super::scene::{Anchor, Scene, Shape, Text};
use super::style::{DPI, FONT_HEIGHT_EM, PAPER};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

/// Why a figure could not be drawn.
#[derive(Debug, Error)]
pub enum DrawError {
    /// The bundled font is damaged.
    #[error("the bundled font cannot be read")]
    Font,
    /// The drawing backend refused.
    #[error("drawing failed: {0}")]
    Backend(String),
    /// The PNG could not be encoded.
    #[error("PNG encoding failed: {0}")]
    Png(#[from] png::EncodingError),
}

/// How a backend of plotters understands a font size and a text's top.
#[derive(Clone, Copy)]
struct TextMetrics {
    /// Font size that the backend wants for one em.
    size_per_em: f64,
    /// From the position of a text that hangs from its top down to its baseline, in em.
    top_to_baseline_em: f64,
}

/// plotters-svg 0.3 divides the size by 1.24 and writes `dy="0.76em"` for text that hangs from its top.
const SVG_TEXT: TextMetrics = TextMetrics { size_per_em: 1.24, top_to_baseline_em: 0.76 };

/// plotters 0.3 with ab_glyph takes the size as ascent plus descent, and puts the baseline half of that below the top.
const BITMAP_TEXT: TextMetrics = TextMetrics { size_per_em: FONT_HEIGHT_EM, top_to_baseline_em: FONT_HEIGHT_EM / 2.0 };

/// The scene as a stand-alone SVG document with its size in inches and `label` as its accessible name.
pub fn svg(scene: &Scene, label: &str) -> Result<String, DrawError> {
    let size = size(scene);
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, size).into_drawing_area();
        draw(scene, &area, SVG_TEXT)?;
        area.present().map_err(backend)?;
    }
    // plotters writes the size in pixels of the grid; the view box keeps the grid and the size becomes the printed one.
    let (width_in, height_in) = (f64::from(size.0) / DPI, f64::from(size.1) / DPI);
    let plain = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    let sized = format!(
        "<svg width=\"{width_in:.3}in\" height=\"{height_in:.3}in\" role=\"img\" aria-label=\"{}\"",
        escape(label)
    );
    Ok(out.replacen(&plain, &sized, 1))
}

/// The scene as a PNG at 300 dots per inch, with that density in its header.
pub fn png(scene: &Scene) -> Result<Vec<u8>, DrawError> {
    let size = size(scene);
    let mut pixels = vec![0xff; size.0 as usize * size.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        draw(scene, &area, BITMAP_TEXT)?;
        area.present().map_err(backend)?;
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Flat colours compress best unfiltered.
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.set_compression(png::Compression::Default);
    let per_metre = (DPI / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(out)
}

fn size(scene: &Scene) -> (u32, u32) {
    (scene.width.max(1).unsigned_abs(), scene.height.max(1).unsigned_abs())
}

fn backend(error: impl std::fmt::Display) -> DrawError {
    DrawError::Backend(error.to_string())
}

fn draw<DB: DrawingBackend>(
    scene: &Scene,
    area: &DrawingArea<DB, Shift>,
    metrics: TextMetrics,
) -> Result<(), DrawError> {
    if !font::register() {
        return Err(DrawError::Font);
    }
    area.fill(&PAPER).map_err(backend)?;
    for shape in &scene.shapes {
        match shape {
            Shape::Rectangle(r, color) => {
                area.draw(&Rectangle::new([(r.x0, r.y0), (r.x1, r.y1)], color.filled())).map_err(backend)?;
            }
            Shape::Polygon(corners, color) => {
                area.draw(&Polygon::new(corners.clone(), color.filled())).map_err(backend)?;
            }
            Shape::Line(points, color, width) => {
                area.draw(&PathElement::new(points.clone(), color.stroke_width(*width))).map_err(backend)?;
            }
            Shape::Text(text) => draw_text(text, area, metrics)?,
        }
    }
    Ok(())
}

fn draw_text<DB: DrawingBackend>(
    text: &Text,
    area: &DrawingArea<DB, Shift>,
    metrics: TextMetrics,
) -> Result<(), DrawError> {
    let em = em(text.size_pt);
    let rise = (metrics.top_to_baseline_em * em).round() as i32;
    let horizontal = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let font = (FontFamily::Name(FAMILY), em * metrics.size_per_em).into_font();
    let (font, at) = if text.upwards {
        (font.transform(FontTransform::Rotate270), (text.at.0 - rise, text.at.1))
    } else {
        (font, (text.at.0, text.at.1 - rise))
    };
    let style = TextStyle::from(font).color(&text.color).pos(Pos::new(horizontal, VPos::Top));
    area.draw(&plotters::element::Text::new(text.text.clone(), at, style)).map_err(backend)
}

fn escape(text: &str) -> String {
    // Control characters cannot stand in XML.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
