//! `pisim report`: figures of a sweep's results, of one simulation, or of a recipe.

mod recipe;
mod single;
mod sweep;

use crate::Outcome;
use crate::args::ReportArgs;
use crate::output::Output;
use anyhow::{Context, Result, bail};
use pisim_reports::figures::{Columns, Figure};
use pisim_reports::write_folder;
use pisim_settings::did_you_mean;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

pub use single::trace_of;

pub fn run(args: &ReportArgs, output: Output) -> Result<Outcome> {
    let columns = if args.columns == 1 { Columns::One } else { Columns::Two };
    check_out(&args.out)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build()?;
    let gallery = pool.install(|| match (&args.results, &args.network, &args.recipe) {
        (Some(results), ..) => sweep::gallery(results, args, columns),
        (_, Some(network), _) => single::gallery(network, args, columns),
        (.., Some(name)) => recipe::gallery(name, columns),
        _ => bail!(
            "nothing to report; expected a sweep's results (DIR), a network (-n) or a recipe (--recipe {})",
            recipe::names().join(", --recipe ")
        ),
    })?;
    let written = gallery.write(args)?;
    output.print(&written, || {
        let files = written.get("figures").and_then(Value::as_array).map_or(0, Vec::len);
        let (text, out) = (&gallery.text, args.out.display());
        let page = gallery.page.as_ref().map(|_| format!("\nexplore the points in a browser: {out}/index.html"));
        format!("{text}\n\n{files} figures (SVG, PNG, PDF, CSV) and report.json in {out}{}", page.unwrap_or_default())
    })?;
    Ok(Outcome::Done)
}

/// What a report has.
struct Gallery {
    figures: Vec<Figure>,
    /// What was found, for programs.
    found: Map<String, Value>,
    /// The same for people.
    text: String,
    /// Files besides the figures, by path.
    others: Vec<(PathBuf, Vec<u8>)>,
    /// A page to explore the points with.
    page: Option<String>,
}

impl Gallery {
    /// Writes the figures that were asked for; what is printed as JSON, and written as `report.json`.
    fn write(&self, args: &ReportArgs) -> Result<Value> {
        let figures = self.chosen(&args.figures)?;
        let entry = |figure: &Figure| {
            let files = ["svg", "png", "pdf", "csv"].map(|end| format!("{}.{end}", figure.name));
            json!({
                "name": figure.name, "title": figure.title, "caption": figure.caption, "origin": figure.origin, "files": files,
            })
        };
        let mut report = self.found.clone();
        report.insert("figures".to_owned(), figures.iter().map(entry).collect());
        report.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        let report = Value::Object(report);
        let content = serde_json::to_vec_pretty(&report)?;
        // What can fail for its path goes first: the folder of figures is written all or not at all.
        for (path, content) in &self.others {
            fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut files = vec![("report.json", content)];
        files.extend(self.page.iter().map(|page| ("index.html", page.clone().into_bytes())));
        write_folder(&args.out, &figures, &files)?;
        Ok(report)
    }

    /// The figures of these names, all if there are none, under file names that differ.
    fn chosen(&self, names: &[String]) -> Result<Vec<Figure>> {
        let mut figures = self.figures.clone();
        let mut taken: Vec<String> = Vec::new();
        for figure in &mut figures {
            let (base, mut copy) = (figure.name.clone(), 2);
            // File systems that ignore case must not lose a figure either.
            while taken.contains(&figure.name.to_lowercase()) {
                figure.name = format!("{base}-{copy}");
                copy += 1;
            }
            taken.push(figure.name.to_lowercase());
        }
        let is = |figure: &Figure, name: &str| {
            figure.name == name || figure.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        };
        for name in names {
            if !figures.iter().any(|figure| is(figure, name)) {
                let all: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
                let hint = did_you_mean(name, all.iter().copied());
                bail!("--figure {name}: there is no such figure; expected one of {}{hint}", all.join(", "));
            }
        }
        figures.retain(|figure| names.is_empty() || names.iter().any(|name| is(figure, name)));
        Ok(figures)
    }
}

/// An output that cannot be a folder is found before the work, not after it.
fn check_out(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("--out {}: exists and is not a folder", out.display());
    }
    Ok(())
}
