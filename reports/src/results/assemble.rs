//! The files for people from the parts of a run. Their bytes depend on the rows alone, never on how these were cut into parts.

use super::files::Partial;
use super::frame::{Groups, ParquetWriter};
use super::manifest::FileInfo;
use super::{Cell, Frame, FrameError, ResultsError};
use parquet::errors::ParquetError;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Rows of a row group: some 15 MB of a table of 40 columns, and a million points are 16 of them.
const GROUP_ROWS: usize = 65_536;

/// Rows that one thread prints as CSV at a time.
const CSV_ROWS: usize = 4096;

/// What was put together.
pub(super) struct Assembled {
    /// Number of rows.
    pub rows: u64,
    /// Rows with an error.
    pub failed: u64,
    /// The files.
    pub files: Vec<FileInfo>,
}

/// Writes the rows of `parts` one after another into the Parquet file `parquet` and, if asked to, the CSV file `csv`. `empty` has
/// the columns. Two row groups at a time are in memory.
pub(super) fn assemble(
    empty: Frame,
    parts: &[PathBuf],
    parquet: &Path,
    csv: Option<&Path>,
) -> Result<Assembled, ResultsError> {
    let mut out = Out::create(&empty, parquet, csv)?;
    let mut rows = Rows { next: empty.clone(), empty, parts: parts.iter(), open: None };
    let (mut number, mut failed) = (0, 0);
    let mut group = rows.group()?;
    while let Some(frame) = group {
        number += frame.rows() as u64;
        failed += (0..frame.rows()).filter(|row| frame.cell(*row, "error") != Cell::Missing).count() as u64;
        let (written, next) = rayon::join(|| out.write(&frame), || rows.group());
        written?;
        group = next?;
    }
    Ok(Assembled { rows: number, failed, files: out.commit()? })
}

/// Writes one table as a Parquet file of one row group.
pub(super) fn write_part(path: &Path, frame: &Frame) -> Result<(), ResultsError> {
    let mut out = Out::create(frame, path, None)?;
    out.write(frame)?;
    out.commit().map(|_| ())
}

/// The files that are being written.
struct Out {
    path: PathBuf,
    parquet: ParquetWriter<Partial>,
    csv: Option<Partial>,
}

impl Out {
    fn create(columns: &Frame, parquet: &Path, csv: Option<&Path>) -> Result<Self, ResultsError> {
        let mut csv = csv.map(Partial::create).transpose()?;
        if let Some(file) = &mut csv {
            file.put(&columns.csv_header()?)?;
        }
        let file = Partial::create(parquet)?;
        let writer = ParquetWriter::new(file, columns).map_err(|error| full_disk(error, parquet))?;
        Ok(Self { path: parquet.to_owned(), parquet: writer, csv })
    }

    fn write(&mut self, frame: &Frame) -> Result<(), ResultsError> {
        let Self { path, parquet, csv } = self;
        let (parquet, csv) = rayon::join(
            || parquet.write(frame).map_err(|error| full_disk(error, path)),
            || csv.as_mut().map_or(Ok(()), |file| write_csv(file, frame)),
        );
        parquet.and(csv)
    }

    fn commit(self) -> Result<Vec<FileInfo>, ResultsError> {
        let parquet = self.parquet.finish().map_err(|error| full_disk(error, &self.path))?;
        let mut files = vec![parquet.commit()?];
        files.extend(self.csv.map(Partial::commit).transpose()?);
        Ok(files)
    }
}

fn write_csv(file: &mut Partial, frame: &Frame) -> Result<(), ResultsError> {
    let starts: Vec<usize> = (0..frame.rows()).step_by(CSV_ROWS).collect();
    let print = |start: usize| frame.csv_rows(start..frame.rows().min(start + CSV_ROWS));
    let printed: Vec<Vec<u8>> = starts.into_par_iter().map(print).collect::<Result<_, _>>()?;
    printed.iter().try_for_each(|content| file.put(content))
}

/// The encoder wraps what the disk said; this unwraps it, for a full disk has its own advice.
fn full_disk(error: FrameError, path: &Path) -> ResultsError {
    match error {
        FrameError::Encode(ParquetError::External(inner)) => match inner.downcast::<std::io::Error>() {
            Ok(disk) => ResultsError::io("write", path)(*disk),
            Err(other) => FrameError::Encode(ParquetError::External(other)).into(),
        },
        other => other.into(),
    }
}

/// The rows of all parts, which are read group by group.
struct Rows<'a> {
    empty: Frame,
    /// Rows that were read and are not taken yet.
    next: Frame,
    parts: std::slice::Iter<'a, PathBuf>,
    /// The part that is being read, and its next group.
    open: Option<(Groups, usize)>,
}

impl Rows<'_> {
    /// The next rows, [`GROUP_ROWS`] except at the end; nothing after it.
    fn group(&mut self) -> Result<Option<Frame>, ResultsError> {
        while self.next.rows() < GROUP_ROWS {
            let Some(more) = self.more()? else { break };
            self.next.append(more)?;
        }
        let rest = self.next.split_off(GROUP_ROWS);
        let group = std::mem::replace(&mut self.next, rest);
        Ok((group.rows() > 0).then_some(group))
    }

    fn more(&mut self) -> Result<Option<Frame>, ResultsError> {
        let names: Vec<&str> = self.empty.names().collect();
        loop {
            if let Some((groups, next)) = &mut self.open
                && *next < groups.len()
            {
                *next += 1;
                return Ok(Some(groups.read(*next - 1)?));
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            self.open = Some((Groups::open(part, Some(&names))?, 0));
        }
    }
}
