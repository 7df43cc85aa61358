//! The folder that a sweep's results are kept in while it runs and after it.
//!
//! ```text
//! manifest.json      what was computed, from exactly which inputs; the same bytes for the same sweep
//! points.parquet     one row per point                        } once finished
//! points.csv         the same for spreadsheets                }
//! layers.parquet     one row per point and layer, if asked for }
//! run.json           when and how fast it ran: the only file that differs between two runs
//! chunks/            finished parts of a run that has not ended
//! ```
//!
//! A part is written under another name, brought to the disk and then renamed, so a part that is there is whole. A run that is
//! killed goes on with the parts that are missing, and its files are those of a run that was not.

mod open;
#[cfg(test)]
mod tests;

pub use open::Existing;
pub(super) use open::read_manifest;

use super::assemble::{assemble, write_part};
use super::frame::Groups;
use super::manifest::Manifest;
use super::schema::Schema;
use super::{Frame, ResultsError, files, layers};
use pisim_sim::sweep::PointRow;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const POINTS: &str = "points.parquet";
pub(super) const POINTS_CSV: &str = "points.csv";
pub(super) const LAYERS: &str = "layers.parquet";
pub(super) const RUN: &str = "run.json";
pub(super) const CHUNKS: &str = "chunks";

/// Points that are evaluated and kept together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its position among the chunks of the folder.
    pub number: u64,
    /// Its points.
    pub points: Range<u64>,
}

/// What a run of the program did, for `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct RunNote {
    /// Seconds since 1970 when it ended.
    pub ended_unix_s: u64,
    /// Seconds that it took (measured).
    pub wall_s: f64,
    /// Points that it evaluated; those of earlier runs are not among them.
    pub points: u64,
    /// Threads that it used.
    pub threads: usize,
}

/// A folder of results, locked for this process.
#[derive(Debug)]
pub struct ResultsFolder {
    path: PathBuf,
    manifest: Manifest,
    schema: Schema,
    done: Mutex<BTreeSet<u64>>,
    _lock: File,
}

impl ResultsFolder {
    /// Opens or makes the folder of the sweep that `manifest` and `schema` describe.
    ///
    /// # Errors
    /// The folder holds other results or other files, another process works in it, or it cannot be written.
    pub fn open(path: &Path, manifest: Manifest, schema: Schema, existing: Existing) -> Result<Self, ResultsError> {
        let (manifest, lock) = open::open(path, manifest, existing)?;
        let mut folder = Self { path: path.to_owned(), manifest, schema, done: Mutex::default(), _lock: lock };
        let done = folder.parts_that_are_whole()?;
        folder.done = Mutex::new(done);
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is computed from.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether all is there and nothing is left to do.
    pub fn finished(&self) -> bool {
        self.manifest.finished
    }

    /// All chunks of the folder's points, in order.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk> + use<> {
        let (range, step) = (self.manifest.range(), self.manifest.chunk_points.max(1));
        let starts = (0..).map(move |number: u64| (number, range.start.saturating_add(number.saturating_mul(step))));
        let end = self.manifest.range().end;
        starts
            .take_while(move |(_, start)| *start < end)
            .map(move |(number, start)| Chunk { number, points: start..start.saturating_add(step).min(end) })
    }

    /// The chunks that are not there yet, in order.
    pub fn missing(&self) -> Vec<Chunk> {
        if self.finished() {
            return Vec::new();
        }
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        self.chunks().filter(|chunk| !done.contains(&chunk.number)).collect()
    }

    /// Keeps the rows of a chunk, in the order of their points; from any thread. Points that the sweep's constraints exclude have
    /// none.
    ///
    /// # Errors
    /// A row that is not of this chunk or does not fit the columns, or the disk does not take it: the chunk is missing then.
    pub fn write(&self, chunk: &Chunk, rows: &[PointRow]) -> Result<(), ResultsError> {
        let mut next = chunk.points.start;
        for row in rows {
            if !(next..chunk.points.end).contains(&row.point) {
                let message = format!("is not in order or not one of {:?}", chunk.points);
                return Err(ResultsError::Row { point: row.point, message });
            }
            next = row.point + 1;
        }
        if !self.manifest.layer_columns.is_empty() {
            write_part(&self.part(chunk.number, LAYERS), &layers::frame(rows)?)?;
        }
        // The points come last: a chunk with points is whole.
        write_part(&self.part(chunk.number, POINTS), &self.schema.frame(rows)?)?;
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(chunk.number);
        Ok(())
    }

    /// The rows of a chunk that is there: for a search whose next points depend on them.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, chunk: &Chunk) -> Result<Frame, ResultsError> {
        Ok(Frame::read(self.part(chunk.number, POINTS))?)
    }

    fn part(&self, number: u64, table: &str) -> PathBuf {
        self.path.join(CHUNKS).join(format!("{number:06}.{table}"))
    }

    /// The chunks whose files are there and have their footers, whose last bytes a file gets. Others are removed.
    fn parts_that_are_whole(&self) -> Result<BTreeSet<u64>, ResultsError> {
        if self.finished() {
            return Ok(BTreeSet::new());
        }
        let tables: &[&str] = if self.manifest.layer_columns.is_empty() { &[POINTS] } else { &[LAYERS, POINTS] };
        let chunks = self.path.join(CHUNKS);
        fs::create_dir_all(&chunks).map_err(ResultsError::io("write", &chunks))?;
        let mut done = BTreeSet::new();
        for name in files::names(&chunks)? {
            let number =
                name.strip_suffix(POINTS).and_then(|name| name.strip_suffix('.')).and_then(|name| name.parse().ok());
            let whole = |number| tables.iter().all(|table| Groups::open(&self.part(number, table), None).is_ok());
            match number {
                Some(number) if whole(number) => {
                    done.insert(number);
                }
                Some(number) => {
                    tables.iter().try_for_each(|table| files::remove(&self.part(number, table)))?;
                }
                None if name.ends_with(files::PARTIAL) => files::remove(&chunks.join(name))?,
                None => {}
            }
        }
        Ok(done)
    }

    /// Puts the files together once every chunk is there, and removes the chunks.
    ///
    /// # Errors
    /// A chunk is missing or damaged, or the disk does not take the files; the chunks stay then.
    pub fn finish(&mut self) -> Result<(), ResultsError> {
        if let Some(chunk) = self.missing().first() {
            let message = format!("the points {:?} are missing; expected all before the end", chunk.points);
            return Err(ResultsError::folder(&self.path, message));
        }
        if !self.finished() {
            let parts = |table: &str| self.chunks().map(|chunk| self.part(chunk.number, table)).collect::<Vec<_>>();
            let (points, layers) = (parts(POINTS), parts(LAYERS));
            self.finish_with(&points, &layers)?;
        }
        files::remove(&self.path.join(CHUNKS))
    }

    /// Puts the files together from these tables of points and layers.
    pub(super) fn finish_with(&mut self, points: &[PathBuf], layers: &[PathBuf]) -> Result<(), ResultsError> {
        let empty = super::empty_frame(&self.manifest.columns)?;
        let assembled = assemble(empty, points, &self.path.join(POINTS), Some(&self.path.join(POINTS_CSV)))?;
        let mut manifest = self.manifest.clone();
        manifest.rows = Some(assembled.rows);
        manifest.failed = Some(assembled.failed);
        manifest.files = assembled.files;
        if !manifest.layer_columns.is_empty() {
            let empty = super::empty_frame(&manifest.layer_columns)?;
            manifest.files.extend(assemble(empty, layers, &self.path.join(LAYERS), None)?.files);
        }
        manifest.finished = true;
        open::write_manifest(&self.path, &manifest)?;
        self.manifest = manifest;
        Ok(())
    }

    /// Adds to `run.json` what a run did.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, note: RunNote) -> Result<(), ResultsError> {
        let path = self.path.join(RUN);
        let earlier = fs::read(&path).ok().and_then(|content| serde_json::from_slice(&content).ok());
        let mut notes: Vec<RunNote> = earlier.unwrap_or_default();
        notes.push(note);
        let content =
            serde_json::to_vec_pretty(&notes).map_err(|error| ResultsError::folder(&path, error.to_string()))?;
        files::write_whole(&path, &content)
    }
}
