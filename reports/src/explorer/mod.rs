//! The explorer: one HTML page with the points of a sweep inside, to filter, brush, sort and copy commands from.
//!
//! It needs no network: style, script and data are in the page. A page holds at most [`MOST_ROWS`] points; of a larger sweep it has the
//! fronts and an even sample, and says so.

mod data;

use crate::html::head;
use crate::results::{ColumnInfo, Frame};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use data::MOST_ROWS;

const STYLE: &str = include_str!("explorer.css");
const PLOT: &str = include_str!("plot.js");
const SCRIPT: &str = include_str!("explorer.js");

/// What a page is made from.
pub struct Explorer<'a> {
    /// The sweep's name.
    pub title: &'a str,
    /// The version of pisim.
    pub version: &'a str,
    /// The rows.
    pub frame: &'a Frame,
    /// What the columns mean; empty where that is not known.
    pub columns: &'a [ColumnInfo],
    /// The names of the axes, in the sweep's order.
    pub axes: &'a [&'a str],
    /// Rows of the page that are never left out: those on fronts.
    pub kept: &'a [usize],
}

impl Explorer<'_> {
    /// The page. `command` gives the command that computes a row again; rows without one have none to copy.
    pub fn page(&self, command: impl Fn(usize) -> Option<String>) -> String {
        let rows = data::chosen_rows(self.frame.rows(), self.kept);
        let data = data::json(self, &rows, command);
        let all = self.frame.rows();
        html! {
            (DOCTYPE)
            html lang="en" {
                (head(&format!("{} – pisim", self.title), STYLE))
                body {
                    header {
                        h1 { (self.title) }
                        button #theme type="button" aria-label="Switch between light and dark" { "Light / dark" }
                    }
                    p.facts {
                        (rows.len()) " points"
                        @if rows.len() < all { ", an even sample of " (all) " and all points on fronts" }
                        ", modelled by pisim " (self.version)
                        ". Drag over the plot to brush, click a point or a row for its configuration and command."
                    }
                    noscript { p.facts { "This page needs JavaScript; the same points are in points.csv." } }
                    (layout())
                    // A closing tag inside of a text must not end the script: `<` never stands in the data.
                    script #data type="application/json" { (PreEscaped(data)) }
                    script { (PreEscaped(PLOT)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
        .into_string()
    }
}

/// Everything that the script fills.
fn layout() -> Markup {
    html! {
        main {
            aside aria-label="Filters" {
                h2 { "Filters" }
                div #filters {}
                button #reset type="button" { "Show all points" }
            }
            div {
                form #axes aria-label="Axes of the plot" {
                    @for (id, label) in [("x", "Across"), ("y", "Up"), ("colour", "Colour")] {
                        label { (label) " " select id=(id) {} }
                        @if id != "colour" { label.check { input type="checkbox" id={ (id) "-log" } checked; " log" } }
                    }
                    label.check { input type="checkbox" id="front" checked; " front" }
                }
                div #plot tabindex="0" role="img" aria-describedby="status"
                    aria-label="Scatter plot; left and right move between points, Enter selects, Escape clears the brush" {
                    canvas {}
                    div #tip hidden {}
                    div #brush hidden {}
                }
                div #legend {}
                p #status role="status" {}
                section #detail hidden aria-label="The selected point" {
                    h2 { "Point " span #number {} }
                    pre #command {}
                    button #copy type="button" { "Copy the command" }
                    dl #values {}
                }
                h2 { "Points " button #save type="button" { "Save as CSV" } }
                div.scroll { table #table { thead {} tbody {} } }
                button #more type="button" { "Show more rows" }
            }
        }
    }
}
