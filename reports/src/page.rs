//! A plain page: a title, figures, one table and notes. For results that are no simulation of a platform.

use crate::figures::Figure;
use crate::html::{STYLE, figure, head};
use crate::output::Staging;
use crate::{ReportError, Written};
use maud::{DOCTYPE, html};
use std::path::Path;

/// What stands on the page.
#[derive(Debug, Clone, Default)]
pub struct Page<'a> {
    /// Its title.
    pub title: String,
    /// The command that makes it again.
    pub command: String,
    /// A line of facts below the title: versions, seeds, times.
    pub facts: String,
    /// The figures, in order.
    pub figures: Vec<Figure>,
    /// The table's header; the first `names` columns hold names, all others numbers.
    pub header: &'a [&'a str],
    /// Columns of the table that hold names.
    pub names: usize,
    /// The table's rows.
    pub rows: Vec<Vec<String>>,
    /// Remarks for readers.
    pub notes: Vec<String>,
}

impl Page<'_> {
    /// Writes `index.html`, every figure as `figures/*.svg|png|csv` and the other files (name and content) into a folder. An error
    /// leaves it as it was.
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// let page = pisim_reports::Page { title: "Nothing yet".to_owned(), ..Default::default() };
    /// let written = page.write(&folder.path().join("out"), &[("numbers.csv", b"a\n".to_vec())])?;
    /// assert_eq!(written.files.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The folder cannot be written, or a figure cannot be drawn.
    pub fn write<N: AsRef<str>>(&self, folder: &Path, others: &[(N, Vec<u8>)]) -> Result<Written, ReportError> {
        let mut staging = Staging::new(folder)?;
        let mut drawn = Vec::with_capacity(self.figures.len());
        for figure in &self.figures {
            let fault = |source| ReportError::Draw { name: figure.name.clone(), source };
            let svg = figure.svg().map_err(fault)?;
            staging.file(format!("figures/{}.svg", figure.name), svg.as_bytes())?;
            staging.file(format!("figures/{}.png", figure.name), &figure.png().map_err(fault)?)?;
            staging.file(format!("figures/{}.csv", figure.name), &figure.data.to_csv()?)?;
            drawn.push(svg);
        }
        for (name, content) in others {
            staging.file(name.as_ref(), content)?;
        }
        let names: Vec<&str> = others.iter().map(|(name, _)| name.as_ref()).collect();
        staging.file("index.html", self.html(&drawn, &names).as_bytes())?;
        Ok(Written { index: folder.join("index.html"), files: staging.commit()? })
    }

    fn html(&self, drawn: &[String], files: &[&str]) -> String {
        let kind = |column: usize| (column < self.names).then_some("name");
        html! {
            (DOCTYPE)
            html lang="en" {
                (head(&self.title, STYLE))
                body {
                    header {
                        h1 { (self.title) }
                        @if !self.facts.is_empty() { p.facts { (self.facts) } }
                        @if !self.command.is_empty() { pre { (self.command) } }
                    }
                    section { @for (one, svg) in self.figures.iter().zip(drawn) { (figure(one, svg)) } }
                    @if !self.rows.is_empty() {
                        section { div.scroll { table {
                            thead { tr { @for (column, name) in self.header.iter().enumerate() { th class=[kind(column)] { (name) } } } }
                            tbody { @for row in &self.rows { tr {
                                @for (column, cell) in row.iter().enumerate() { td class=[kind(column)] { (cell) } }
                            } } }
                        } } }
                    }
                    @if !self.notes.is_empty() {
                        section { h2 { "Notes" } ul { @for note in &self.notes { li { (note) } } } }
                    }
                    // Not what lies in folders.
                    @if files.iter().any(|name| !name.contains('/')) {
                        footer { p { "All numbers: " @for name in files.iter().filter(|name| !name.contains('/')) { a href=(*name) { (*name) } " " } } }
                    }
                }
            }
        }
        .into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::phases;
    use crate::sample;

    #[test]
    fn a_page_holds_its_figures_its_table_and_links_to_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let page = Page {
            title: "A & B".to_owned(),
            figures: vec![phases(&sample::simulations())],
            header: &["network", "ReLUs"],
            names: 1,
            rows: vec![vec!["<net>".to_owned(), "12".to_owned()]],
            notes: vec!["small".to_owned()],
            ..Page::default()
        };
        let written = page.write(folder.path(), &[("results.csv", b"x\n".to_vec())]).unwrap();
        assert_eq!(written.files.len(), 5);
        let html = std::fs::read_to_string(written.index).unwrap();
        for part in ["A &amp; B", "&lt;net&gt;", "<svg", "results.csv", "<li>small</li>", "class=\"name\""] {
            assert!(html.contains(part), "no {part}");
        }
    }
}
