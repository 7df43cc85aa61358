//! A small drawing layer: figures are laid out once as a [`Scene`](scene::Scene) and drawn as SVG and PNG by the same code, and as
//! PDF from the same shapes.

pub mod axis;
pub mod curve;
pub mod font;
pub mod frame;
pub mod legend;
pub mod pdf;
pub mod plot;
pub mod regions;
pub mod render;
pub mod scale;
pub mod scene;
pub mod style;
