//! Figures can be read: no text covers another, none leaves the page, and what is written into SVG parses.

use crate::figures::{self, Columns};
use crate::sample;

/// Checks that an SVG document is well-formed XML as far as this crate writes it (elements, attributes, text, five entities) and
/// returns the texts in it.
pub fn well_formed(svg: &str) -> Vec<String> {
    let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), svg.trim());
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix('<') {
            let end = tag.find('>').expect("a tag without an end");
            let (tag, after) = (&tag[..end], &tag[end + 1..]);
            assert!(!tag.contains('<'), "“<” within <{tag}>");
            assert_eq!(tag.matches('"').count() % 2, 0, "an open quote in <{tag}>");
            entities(tag);
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "</{name}> closes another element");
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().expect("a tag without a name"));
            }
            rest = after;
        } else {
            let end = rest.find('<').expect("text after the last element");
            entities(&rest[..end]);
            assert!(!open.is_empty(), "text outside of the document");
            if open.last() == Some(&"text") {
                texts.push(rest[..end].trim().replace("&apos;", "'").replace("&amp;", "&"));
            }
            rest = &rest[end..];
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    texts
}

fn entities(text: &str) {
    for part in text.split('&').skip(1) {
        let name = part.split(';').next().unwrap_or_default();
        assert!(["amp", "lt", "gt", "quot", "apos"].contains(&name), "a bare “&” before “{part}”");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a control character");
}

#[test]
fn no_text_of_any_figure_covers_another_or_leaves_the_page() {
    for figure in sample::report().figures() {
        assert_eq!(figure.text_faults(), Vec::<String>::new(), "{}", figure.name);
    }
}

#[test]
fn layer_names_never_cover_each_other_at_any_number_of_layers() {
    for count in [2, 3, 5, 8, 13, 20, 30, 40, 50, 60, 65, 70, 75, 80, 100, 160, 300] {
        let mut simulation = sample::simulation("net", "cpu", count, 1.0);
        for name in simulation.layers.iter_mut().skip(1).step_by(7) {
            name.id = format!("a.very.long.name.of.a.layer.that.came.from.a.file.{}", name.id);
        }
        let figure = figures::layers(&simulation, Columns::Two);
        assert_eq!(figure.text_faults(), Vec::<String>::new(), "{count} layers");
        assert!(figure.scene.texts().count() > 10, "{count} layers have too few labels");
    }
}

#[test]
fn the_check_of_texts_finds_a_text_on_another() {
    let mut figure = figures::phases(&sample::simulations());
    let text = figure.scene.texts().next().unwrap().clone();
    figure.scene.text((text.at.0 + 3, text.at.1 + 3), "covers it", 7.0, text.anchor, text.color);
    assert_eq!(figure.text_faults().len(), 1);
}

#[test]
fn names_from_files_cannot_break_the_svg() {
    let mut simulation = sample::simulation("<net> & \"co\"", "cpu\u{7}\u{0}", 5, 1.0);
    simulation.layers[0].id = "</text><script>".into();
    for figure in [
        figures::layers(&simulation, Columns::Two),
        figures::timeline(&simulation, Columns::Two),
        figures::phases(&[simulation.clone()]),
    ] {
        let svg = figure.svg().unwrap();
        well_formed(&svg);
        assert!(!svg.contains("<script>"));
    }
}
