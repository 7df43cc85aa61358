//! A scene as a PDF of one page: the same shapes as vectors, text as text in the bundled font, of which only the letters that are
//! used are in the file.

use super::font::{LIBERATION_SANS, em};
use super::render::DrawError;
use super::scene::{Anchor, Scene, Shape, Text};
use super::style::{DPI, PAPER};
use pdf_writer::types::{CidFontType, FontFlags, LineCapStyle, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use plotters::style::RGBColor;
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

/// Points of a PDF in a pixel of the grid.
const POINT: f32 = 72.0 / DPI as f32;

/// The font's name in the file: a subset has six letters before it.
const FONT: Name<'static> = Name(b"PISIMA+LiberationSans");
const FONT_KEY: Name<'static> = Name(b"F");

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const TYPE0: Ref = Ref::new(5);
const CID: Ref = Ref::new(6);
const DESCRIPTOR: Ref = Ref::new(7);
const CMAP: Ref = Ref::new(8);
const FONT_FILE: Ref = Ref::new(9);
const INFO: Ref = Ref::new(10);

/// The scene as a PDF with `title` as the document's.
pub fn pdf(scene: &Scene, title: &str) -> Result<Vec<u8>, DrawError> {
    let face = Face::parse(LIBERATION_SANS, 0).map_err(|_| DrawError::Font)?;
    let mut letters = Letters { face, kept: GlyphRemapper::new(), letters: BTreeMap::new() };
    let content = miniz_oxide::deflate::compress_to_vec_zlib(&draw(scene, &mut letters), 6);
    let mut file = Pdf::new();
    file.catalog(CATALOG).pages(PAGES);
    file.document_info(INFO).title(TextStr(title)).creator(TextStr("pisim"));
    file.pages(PAGES).kids([PAGE]).count(1);
    let mut page = file.page(PAGE);
    page.parent(PAGES).contents(CONTENT);
    page.media_box(Rect::new(0.0, 0.0, scene.width as f32 * POINT, scene.height as f32 * POINT));
    page.resources().fonts().pair(FONT_KEY, TYPE0);
    page.finish();
    file.stream(CONTENT, &content).filter(Filter::FlateDecode);
    letters.embed(&mut file)?;
    Ok(file.finish())
}

fn draw(scene: &Scene, letters: &mut Letters) -> Vec<u8> {
    let mut content = Content::new();
    let (x, y) = (|x: i32| x as f32 * POINT, |y: i32| (scene.height - y) as f32 * POINT);
    fill(&mut content, PAPER);
    content.rect(0.0, 0.0, x(scene.width), y(0)).fill_nonzero();
    content.set_line_join(LineJoinStyle::RoundJoin).set_line_cap(LineCapStyle::ButtCap);
    for shape in &scene.shapes {
        match shape {
            Shape::Rectangle(area, color) => {
                fill(&mut content, *color);
                content.rect(x(area.x0), y(area.y1), x(area.x1 - area.x0), y(area.y0) - y(area.y1)).fill_nonzero();
            }
            Shape::Polygon(corners, color) => {
                fill(&mut content, *color);
                for (number, corner) in corners.iter().enumerate() {
                    match number {
                        0 => content.move_to(x(corner.0), y(corner.1)),
                        _ => content.line_to(x(corner.0), y(corner.1)),
                    };
                }
                content.close_path().fill_nonzero();
            }
            Shape::Line(places, color, width) => {
                let [r, g, b] = rgb(*color);
                content.set_stroke_rgb(r, g, b).set_line_width(*width as f32 * POINT);
                for (number, place) in places.iter().enumerate() {
                    match number {
                        0 => content.move_to(x(place.0), y(place.1)),
                        _ => content.line_to(x(place.0), y(place.1)),
                    };
                }
                match places.first() == places.last() && places.len() > 2 {
                    true => content.close_and_stroke(),
                    false => content.stroke(),
                };
            }
            Shape::Text(text) => {
                fill(&mut content, text.color);
                letters.show(&mut content, text, (x(text.at.0), y(text.at.1)));
            }
        }
    }
    content.finish().into_vec()
}

fn rgb(RGBColor(r, g, b): RGBColor) -> [f32; 3] {
    [r, g, b].map(|part| f32::from(part) / 255.0)
}

fn fill(content: &mut Content, color: RGBColor) {
    let [r, g, b] = rgb(color);
    content.set_fill_rgb(r, g, b);
}

/// The letters that a file uses.
struct Letters {
    face: Face<'static>,
    kept: GlyphRemapper,
    /// The letter and the width of every glyph, by its number in the file.
    letters: BTreeMap<u16, (char, f32)>,
}

impl Letters {
    /// A letter's number in the file, and its width in em. A letter that the font lacks is the font's empty box.
    fn letter(&mut self, letter: char) -> (u16, f32) {
        let glyph = self.face.glyph_index(letter).unwrap_or(GlyphId(0));
        let number = self.kept.remap(glyph.0);
        let units = f32::from(self.face.units_per_em());
        let width = f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) / units;
        self.letters.entry(number).or_insert((letter, width));
        (number, width)
    }

    fn show(&mut self, content: &mut Content, text: &Text, (x, y): (f32, f32)) {
        let size = em(text.size_pt) as f32 * POINT;
        let (mut bytes, mut width) = (Vec::with_capacity(2 * text.text.len()), 0.0);
        for letter in text.text.chars() {
            let (number, advance) = self.letter(letter);
            bytes.extend(number.to_be_bytes());
            width += advance * size;
        }
        let before = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let matrix =
            if text.upwards { [0.0, 1.0, -1.0, 0.0, x, y - before] } else { [1.0, 0.0, 0.0, 1.0, x - before, y] };
        content.begin_text().set_font(FONT_KEY, size).set_text_matrix(matrix).show(Str(&bytes)).end_text();
    }

    /// Writes the part of the font that is used.
    fn embed(&self, file: &mut Pdf) -> Result<(), DrawError> {
        let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        let font = subsetter::subset(LIBERATION_SANS, 0, &self.kept).map_err(|_| DrawError::Font)?;
        file.type0_font(TYPE0)
            .base_font(FONT)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(CID)
            .to_unicode(CMAP);
        let mut cid = file.cid_font(CID);
        cid.subtype(CidFontType::Type2).base_font(FONT).system_info(system);
        cid.font_descriptor(DESCRIPTOR).default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = cid.widths();
        for (number, (_, width)) in &self.letters {
            widths.same(*number, *number, width * 1000.0);
        }
        widths.finish();
        cid.finish();
        let thousandths = 1000.0 / f32::from(self.face.units_per_em());
        let whole = self.face.global_bounding_box();
        let [left, bottom, right, top] =
            [whole.x_min, whole.y_min, whole.x_max, whole.y_max].map(|side| f32::from(side) * thousandths);
        file.font_descriptor(DESCRIPTOR)
            .name(FONT)
            .flags(FontFlags::NON_SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(f32::from(self.face.ascender()) * thousandths)
            .descent(f32::from(self.face.descender()) * thousandths)
            .cap_height(f32::from(self.face.capital_height().unwrap_or(0)) * thousandths)
            .stem_v(80.0)
            .font_file2(FONT_FILE);
        let mut map = UnicodeCmap::new(Name(b"Custom"), system);
        for (number, (letter, _)) in &self.letters {
            map.pair(*number, *letter);
        }
        file.cmap(CMAP, &map.finish().into_vec());
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&font, 6);
        file.stream(FONT_FILE, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), font.len() as i32);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::style::INK;

    #[test]
    fn a_page_has_its_printed_size_and_only_the_letters_that_it_shows() {
        let mut scene = Scene::new(3.5);
        scene.text((10, 50), "µs at 7.5 GB/s…", 7.0, Anchor::Start, INK);
        let one = pdf(&scene, "Title (with) brackets").unwrap();
        let text = String::from_utf8_lossy(&one);
        assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 252 36]"), "{text}");
        assert!(one.len() < 20_000, "{} bytes", one.len());
        // The map back to letters, for readers that search: µ is U+00B5.
        assert!(text.contains("<00B5>") && text.contains("<2026>"), "{text}");
        assert_eq!(one, pdf(&scene, "Title (with) brackets").unwrap(), "two files of one scene differ");
    }

    #[test]
    fn a_letter_that_the_font_lacks_is_no_error() {
        let mut scene = Scene::new(3.5);
        scene.text((10, 50), "\u{1F980} net", 7.0, Anchor::Middle, INK);
        pdf(&scene, "\u{1F980}").unwrap();
    }
}
