use crate::results::*;
use pisim_sim::LayerCost;
use pisim_sim::sweep::{AxisValue, PointBinding, PointMetrics, PointRow};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const POINTS: u64 = 300;

fn schema() -> Schema {
    let axis = |name: &str, kind| AxisColumn { name: name.into(), kind, description: format!("The key {name}.") };
    Schema::new(vec![axis("server.gc_engine.engines", Kind::Integer), axis("network", Kind::Text)]).unwrap()
}

fn manifest(points: u64) -> Manifest {
    let sweep = Input::new("sweep", "s.toml", b"axis = 1");
    let inputs = vec![Input::new("network", "n.toml", b"name = \"n\"")];
    let command = "pisim sweep show {dir} --point {point}".to_owned();
    Manifest { inputs, command, ..Manifest::new("1.2.3", sweep, points, &schema()) }.with_layers()
}

/// A row whose every value depends on the point. Every seventh fails, and every eleventh is excluded.
fn row(point: u64) -> Option<PointRow> {
    let x = point as f64 / 7.0;
    let mut metrics = PointMetrics { power_w: x, fits: point.is_multiple_of(2), ..Default::default() };
    metrics.latency_s.total = x;
    metrics.bytes.online.up = point;
    metrics.bottleneck.total = PointBinding { unit: ["link.up", "server.cpu"][point as usize % 2].into(), share: 0.5 };
    let layer = |n: u64| LayerCost { id: format!("l{n}"), he_eval_s: x + n as f64, up_bytes: n, ..Default::default() };
    metrics.layers = Some((0..3).map(layer).collect());
    let outcome = if point % 7 == 3 { Err(format!("point {point} is too large")) } else { Ok(metrics) };
    let network = format!("net{}", point % 3);
    let axes = vec![AxisValue::Integer(point as i64 * 2), AxisValue::Text(network.clone())];
    let (protocol, hardware) = ("ring-gc".to_owned(), "haac".to_owned());
    (point % 11 != 5).then_some(PointRow { point, axes, network, protocol, hardware, outcome })
}

fn open(path: &Path, manifest: Manifest) -> Result<ResultsFolder, ResultsError> {
    ResultsFolder::open(path, manifest, schema(), Existing::Resume)
}

/// Computes at most `most` of the chunks that are missing; how many were.
fn work(folder: &ResultsFolder, most: usize) -> usize {
    let chunks = folder.missing();
    for chunk in chunks.iter().take(most) {
        let rows: Vec<PointRow> = chunk.points.clone().filter_map(row).collect();
        folder.write(chunk, &rows).unwrap();
    }
    chunks.len()
}

fn complete(path: &Path, manifest: Manifest) -> Contents {
    let mut folder = open(path, manifest).unwrap();
    work(&folder, usize::MAX);
    folder.finish().unwrap();
    contents(path)
}

type Contents = BTreeMap<String, Vec<u8>>;

fn contents(path: &Path) -> Contents {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

fn refusal<T>(result: Result<T, ResultsError>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn a_finished_folder_has_every_row_once_in_both_formats_and_its_layers() {
    let home = tempfile::tempdir().unwrap();
    let files = complete(home.path(), manifest(POINTS));
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [".lock", "layers.parquet", "manifest.json", "points.csv", "points.parquet"]
    );
    let points = Frame::read(home.path()).unwrap();
    let csv = Frame::read(home.path().join("points.csv")).unwrap();
    assert_eq!(points.to_csv().unwrap(), csv.to_csv().unwrap());
    let expected: Vec<PointRow> = (0..POINTS).filter_map(row).collect();
    assert_eq!(points.to_csv().unwrap(), schema().frame(&expected).unwrap().to_csv().unwrap());
    let manifest = manifest_of(home.path()).unwrap();
    let failed = expected.iter().filter(|row| row.outcome.is_err()).count() as u64;
    assert_eq!((manifest.rows, manifest.failed), (Some(expected.len() as u64), Some(failed)));
    assert_eq!(
        points.names().collect::<Vec<_>>(),
        manifest.columns.iter().map(|column| &column.name).collect::<Vec<_>>()
    );
    let layers = Frame::read(home.path().join("layers.parquet")).unwrap();
    assert_eq!(layers.rows() as u64, 3 * (expected.len() as u64 - failed));
    for file in &manifest.files {
        assert_eq!(blake3::hash(&files[&file.name]).to_hex().to_string(), file.blake3);
        assert_eq!(files[&file.name].len() as u64, file.bytes);
    }
}

#[test]
fn a_run_that_is_stopped_again_and_again_ends_with_the_same_files() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = complete(whole.path(), manifest(POINTS));
    for left in (2..=5).rev() {
        let folder = open(stopped.path(), manifest(POINTS)).unwrap();
        assert_eq!(work(&folder, 1), left, "finished chunks are not computed again");
        // What a killed process leaves: parts under their temporary names.
        fs::write(stopped.path().join("chunks/000004.points.parquet.partial"), b"PAR1").unwrap();
        fs::write(stopped.path().join("points.csv.partial"), b"point").unwrap();
    }
    assert_eq!(complete(stopped.path(), manifest(POINTS)), expected);
    assert_eq!(work(&open(stopped.path(), manifest(POINTS)).unwrap(), 1), 0);
}

#[test]
fn a_part_that_was_cut_off_is_computed_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path(), manifest(POINTS)).unwrap();
    work(&folder, 2);
    drop(folder);
    let part = home.path().join("chunks/000001.points.parquet");
    let content = fs::read(&part).unwrap();
    fs::write(&part, &content[..content.len() - 9]).unwrap();
    let missing = open(home.path(), manifest(POINTS)).unwrap().missing();
    assert_eq!(missing.iter().map(|chunk| chunk.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    fs::remove_file(home.path().join("chunks/000000.layers.parquet")).unwrap();
    assert_eq!(open(home.path(), manifest(POINTS)).unwrap().missing().len(), 5);
}

#[test]
fn the_files_of_merged_shards_are_those_of_one_machine() {
    let home = tempfile::tempdir().unwrap();
    let expected = complete(&home.path().join("one"), manifest(POINTS));
    let count = 4;
    let mut shards = Vec::new();
    for index in (0..count).rev() {
        let path = home.path().join(format!("shard{index}"));
        complete(&path, Manifest { shard: Some(Shard { index, count }), ..manifest(POINTS) });
        shards.push(path);
    }
    let out = home.path().join("merged");
    merge(&shards, &out, Existing::Resume).unwrap();
    assert_eq!(contents(&out), expected);
    let told = |shards: &[std::path::PathBuf]| refusal(merge(shards, &home.path().join("no"), Existing::Resume));
    assert!(told(&shards[1..3]).ends_with("the shards 0/4, 3/4 are missing"), "{}", told(&shards[1..3]));
    assert!(told(&[&shards[..], &shards[..1]].concat()).contains("shard 3/4 is there twice"));
    assert!(told(&[home.path().join("one"), shards[0].clone()]).contains("shard3 is shard 3/4, and"));
    merge(&[home.path().join("one")], &home.path().join("again"), Existing::Resume).unwrap();
    assert_eq!(contents(&home.path().join("again")), expected, "a whole sweep is its only shard");
    assert!(told(&[]).contains("no folders"));
    let mut other = manifest(POINTS);
    other.inputs[0] = Input::new("network", "n.toml", b"name = \"m\"");
    complete(&home.path().join("other"), Manifest { shard: Some(Shard { index: 3, count }), ..other });
    let mixed = told(&[&shards[1..], &[home.path().join("other")]].concat());
    assert!(mixed.contains("are not of one sweep: the network `n.toml` has changed"), "{mixed}");
    drop(
        open(&home.path().join("half"), Manifest { shard: Some(Shard { index: 3, count }), ..manifest(POINTS) })
            .unwrap(),
    );
    let half = told(&[&shards[1..], &[home.path().join("half")]].concat());
    assert!(half.contains("shard 3/4 in") && half.contains("is not finished"), "{half}");
    assert!(!home.path().join("no").exists());
}

#[test]
fn results_of_another_run_are_refused_with_the_difference_until_replaced() {
    let home = tempfile::tempdir().unwrap();
    let old = complete(home.path(), manifest(POINTS));
    let told = |change: &dyn Fn(&mut Manifest)| {
        let mut other = manifest(POINTS);
        change(&mut other);
        let told = refusal(open(home.path(), other));
        assert!(told.contains("expected another folder, or `--force` to replace them"), "{told}");
        told
    };
    assert!(told(&|m| m.pisim = "2.0".into()).contains("made by pisim 1.2.3, and this is 2.0"));
    assert!(told(&|m| m.sweep = Input::new("sweep", "t.toml", b"")).contains("of `s.toml` ("));
    assert!(told(&|m| m.seed = Some(7)).contains("seed: `none` there, `7` now"));
    assert!(told(&|m| m.level = "closed-form".into()).contains("level: `event` there, `closed-form` now"));
    assert!(told(&|m| m.inputs.clear()).contains("with the network `n.toml`, which is not used now"));
    assert!(
        told(&|m| m.shard = Some(Shard { index: 0, count: 1 }))
            .contains("all of it of this sweep, and now it is shard 0/1")
    );
    assert!(told(&|m| m.layer_columns.clear()).contains("one with layers, the other without"));
    assert_eq!(contents(home.path()), old, "a refusal changes nothing");
    let other = Manifest { seed: Some(7), ..manifest(POINTS) };
    let folder = ResultsFolder::open(home.path(), other, schema(), Existing::Replace).unwrap();
    assert_eq!(work(&folder, 0), 5);
}

#[test]
fn a_folder_with_other_files_is_refused_even_to_be_replaced() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("thesis.tex"), "").unwrap();
    for existing in [Existing::Resume, Existing::Replace] {
        let told = refusal(ResultsFolder::open(home.path(), manifest(1), schema(), existing));
        assert!(told.contains("holds `thesis.tex` and no manifest.json"), "{told}");
    }
    assert_eq!(contents(home.path()).len(), 1);
    let told = refusal(open(&home.path().join("thesis.tex"), manifest(1)));
    assert!(told.contains("it is a file; expected a folder"), "{told}");
}

#[test]
fn a_folder_in_use_is_refused_and_free_again_afterwards() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path(), manifest(1)).unwrap();
    assert!(refusal(open(home.path(), manifest(1))).contains("is in use by another process"));
    drop(folder);
    open(home.path(), manifest(1)).unwrap();
}

#[test]
fn a_damaged_manifest_is_refused_with_its_file() {
    let home = tempfile::tempdir().unwrap();
    for content in ["", "{", "[1]", "{\"format\": 1}"] {
        fs::write(home.path().join("manifest.json"), content).unwrap();
        let told = refusal(open(home.path(), manifest(1)));
        assert!(told.contains("manifest.json: not the manifest of a sweep"), "{told}");
    }
}

#[test]
fn rows_that_are_not_of_the_chunk_or_the_schema_are_refused_and_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path(), manifest(POINTS)).unwrap();
    let chunk = &folder.missing()[1];
    let rows = |points: &[u64]| points.iter().map(|point| row(*point).unwrap()).collect::<Vec<_>>();
    assert!(refusal(folder.write(chunk, &rows(&[64, 63]))).contains("point 63: is not in order or not one of 64..128"));
    assert!(refusal(folder.write(chunk, &rows(&[70, 70]))).contains("point 70"));
    let mut wrong = rows(&[64]);
    wrong[0].axes[0] = AxisValue::Text("many".into());
    let told = refusal(folder.write(chunk, &wrong));
    assert!(
        told.contains("point 64: column `server.gc_engine.engines` is of whole numbers and cannot hold text"),
        "{told}"
    );
    wrong[0].axes.pop();
    assert!(refusal(folder.write(chunk, &wrong)).contains("has 1 values; expected 2"));
    assert_eq!(folder.missing().len(), 5);
    let mut folder = folder;
    assert!(refusal(folder.finish()).contains("the points 0..64 are missing"));
}

#[test]
fn one_row_is_found_and_its_command_is_complete() {
    let home = tempfile::tempdir().unwrap();
    complete(home.path(), manifest(POINTS));
    let found = row_of(home.path(), 299).unwrap();
    assert_eq!(found.to_csv().unwrap(), schema().frame(&[row(299).unwrap()]).unwrap().to_csv().unwrap());
    assert!(refusal(row_of(home.path(), 300)).contains("no point 300; expected one from 0 to 299"));
    assert!(refusal(row_of(home.path(), 5)).contains("no row of point 5: the constraints"));
    assert_eq!(manifest_of(home.path()).unwrap().command_of("out", 7), "pisim sweep show out --point 7");
}

#[test]
fn a_derived_value_that_could_not_be_computed_is_missing() {
    let mut row = row(1).unwrap();
    row.axes[0] = AxisValue::Number(f64::NAN);
    let frame = schema().frame(&[row]).unwrap();
    assert_eq!(frame.cell(0, "server.gc_engine.engines"), Cell::Missing);
}

#[test]
fn axes_that_are_called_like_columns_are_refused_unless_they_are_the_column() {
    let axis = |name: &str| vec![AxisColumn { name: name.into(), kind: Kind::Text, description: String::new() }];
    assert!(Schema::new(axis("protocol")).is_ok());
    assert!(refusal(Schema::new(axis("latency_total_s"))).contains("the results have a column `latency_total_s`"));
}

#[test]
fn columns_have_units_where_their_names_do() {
    let columns = schema().columns();
    let unit = |name: &str| columns.iter().find(|column| column.name == name).unwrap().unit.as_deref();
    assert_eq!(unit("latency_total_s"), Some("s"));
    assert_eq!(unit("energy_offline_j"), Some("J"));
    assert_eq!(unit("online_up_bytes"), Some("B"));
    assert_eq!(unit("area_mm2"), Some("mm²"));
    assert_eq!(unit("power_w"), Some("W"));
    assert_eq!((unit("fits"), unit("bottleneck_total"), unit("bottleneck_total_share")), (None, None, None));
    assert!(columns.iter().all(|column| !column.description.is_empty()));
}

proptest! {
    #[test]
    fn shards_cut_any_sweep_into_consecutive_parts_of_nearly_equal_size(points in any::<u64>(), count in 1..200_u64) {
        let mut next = 0;
        for index in 0..count {
            let range = Shard { index, count }.range(points);
            prop_assert_eq!(range.start, next);
            let size = u128::from(range.end - range.start);
            prop_assert!(size.abs_diff(u128::from(points) / u128::from(count)) <= 1);
            next = range.end;
        }
        prop_assert_eq!(next, points);
    }

    #[test]
    fn what_is_no_shard_is_refused(text in "[0-9a-z/ -]{0,6}") {
        match text.parse::<Shard>() {
            Ok(shard) => prop_assert!(shard.index < shard.count),
            Err(error) => prop_assert!(error.contains("expected INDEX/COUNT")),
        }
    }
}

#[test]
fn the_files_do_not_depend_on_where_a_large_sweep_is_cut() {
    let home = tempfile::tempdir().unwrap();
    let large = |shard| Manifest { layer_columns: Vec::new(), shard, ..manifest(75_000) };
    let expected = complete(&home.path().join("one"), large(None));
    let shards: Vec<_> = (0..3)
        .map(|index| {
            let path = home.path().join(index.to_string());
            complete(&path, large(Some(Shard { index, count: 3 })));
            path
        })
        .collect();
    merge(&shards, &home.path().join("merged"), Existing::Resume).unwrap();
    assert_eq!(contents(&home.path().join("merged")), expected);
    let groups = crate::results::frame::Groups::open(&home.path().join("one/points.parquet"), None).unwrap();
    assert_eq!(groups.len(), 2, "more than one row group");
    let some = rows_of(&home.path().join("one"), &[74_999, 5, 0, 80_000]).unwrap();
    assert_eq!(some.integers("point").unwrap(), [Some(0), Some(74_999)], "without the excluded and the impossible one");
}
