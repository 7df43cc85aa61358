//! The shards of a sweep, computed anywhere, as the folder that one machine would have made.

use super::ResultsError;
use super::folder::{Existing, LAYERS, POINTS, ResultsFolder, read_manifest};
use super::manifest::{Manifest, Shard};
use super::schema::Schema;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Merges the finished shards in `shards`, in any order, into the folder `out`. Its files are those of a run on one machine, bit
/// for bit.
///
/// # Errors
/// A shard is missing, there twice, not finished or of another sweep; or as in [`ResultsFolder::open`].
pub fn merge(shards: &[PathBuf], out: &Path, existing: Existing) -> Result<Manifest, ResultsError> {
    let found = all_shards(shards)?;
    let Some((_, first)) = found.first() else {
        return Err(ResultsError::Shards("no folders; expected those of all shards".to_owned()));
    };
    let whole = Manifest { shard: None, finished: false, rows: None, failed: None, files: Vec::new(), ..first.clone() };
    // Rows come from files that have their columns already; the schema is only for new ones.
    let mut folder = ResultsFolder::open(out, whole, Schema::default(), existing)?;
    if !folder.finished() {
        let tables = |name: &str| found.iter().map(|(path, _)| path.join(name)).collect::<Vec<_>>();
        folder.finish_with(&tables(POINTS), &tables(LAYERS))?;
    }
    folder.finish()?;
    if folder.manifest().rows == Some(0) {
        let message = "the constraints of the sweep leave out all of its points; expected weaker ones, or other values";
        return Err(ResultsError::folder(out, message));
    }
    Ok(folder.manifest().clone())
}

/// The folders with their manifests, in the order of the shards; all of them, once each.
fn all_shards(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Manifest)>, ResultsError> {
    let mut found: BTreeMap<u64, (PathBuf, Manifest)> = BTreeMap::new();
    let mut first: Option<(PathBuf, Manifest)> = None;
    let mut count = 0;
    for path in paths {
        let name = path.display();
        let manifest = read_manifest(path)?
            .ok_or_else(|| ResultsError::folder(path, "no manifest.json; expected the folder of a shard"))?;
        // A whole sweep is the only shard of one.
        let shard = manifest.shard.unwrap_or(Shard { index: 0, count: 1 });
        if !manifest.finished {
            let message =
                format!("shard {shard} in {name} is not finished; expected its run to be repeated, which resumes it");
            return Err(ResultsError::Shards(message));
        }
        let (first_path, first) = first.get_or_insert_with(|| (path.clone(), manifest.clone()));
        if let Some(difference) = first.difference(&manifest) {
            let message = format!("{} and {name} are not of one sweep: {difference}", first_path.display());
            return Err(ResultsError::Shards(message));
        }
        let expected = first.shard.map_or(1, |shard| shard.count);
        if shard.count != expected {
            let message = format!("{name} is shard {shard}, and {} is one of {expected}", first_path.display());
            return Err(ResultsError::Shards(message));
        }
        count = expected;
        if let Some((other, _)) = found.get(&shard.index) {
            return Err(ResultsError::Shards(format!("shard {shard} is there twice: {} and {name}", other.display())));
        }
        found.insert(shard.index, (path.clone(), manifest));
    }
    let missing: Vec<String> =
        (0..count).filter(|index| !found.contains_key(index)).take(8).map(|index| format!("{index}/{count}")).collect();
    if !missing.is_empty() {
        return Err(ResultsError::Shards(format!("the shards {} are missing", missing.join(", "))));
    }
    Ok(found.into_values().collect())
}
