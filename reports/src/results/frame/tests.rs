use super::*;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

/// A value of every kind in every column, missing ones, and numbers that a careless printer would round.
fn sample() -> Frame {
    Frame::new(vec![
        ("point".to_owned(), Column::Integer(vec![Some(0), Some(i64::MAX), Some(-7)])),
        ("latency_s".to_owned(), Column::Number(vec![0.1 + 0.2, f64::NAN, 5e-324])),
        ("network".to_owned(), Column::Text([Some("a, \"b\"\nc"), None, Some("ü")].into_iter().collect())),
        ("fits".to_owned(), Column::Flag(vec![Some(true), None, Some(false)])),
    ])
    .unwrap()
}

fn text(frame: &Frame) -> String {
    String::from_utf8(frame.to_csv().unwrap()).unwrap()
}

fn kinds(frame: &Frame) -> Vec<Kind> {
    frame.columns().map(|(_, column)| column.kind()).collect()
}

fn written(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("points.parquet");
    fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn both_formats_give_the_same_bits_kinds_and_missing_values_back() {
    let frame = sample();
    for content in [frame.to_csv().unwrap(), frame.to_parquet().unwrap()] {
        let (_folder, path) = written(&content);
        let read = Frame::read(&path).unwrap();
        assert_eq!(text(&read), text(&frame));
        assert_eq!(kinds(&read), kinds(&frame));
        assert_eq!(read.numbers("latency_s").unwrap()[2].to_bits(), 1);
    }
}

#[test]
fn a_folder_is_read_by_its_points() {
    let (folder, _) = written(&sample().to_parquet().unwrap());
    assert_eq!(Frame::read(folder.path()).unwrap().rows(), 3);
    let empty = tempfile::tempdir().unwrap();
    assert!(Frame::read(empty.path()).unwrap_err().to_string().contains("no points.parquet and no points.csv"));
}

#[test]
fn several_groups_are_one_table_and_can_be_read_one_by_one() {
    let frame = sample();
    let mut writer = ParquetWriter::new(Vec::new(), &frame).unwrap();
    writer.write(&frame).unwrap();
    writer.write(&frame.filter(|row| row > 0)).unwrap();
    let (_folder, path) = written(&writer.finish().unwrap());
    let read = Frame::read_columns(&path, &["fits", "point"]).unwrap();
    assert_eq!(read.names().collect::<Vec<_>>(), ["fits", "point"]);
    assert_eq!(read.flags("fits").unwrap(), [Some(true), None, Some(false), None, Some(false)]);
    let groups = Groups::open(&path, None).unwrap();
    assert_eq!((groups.len(), groups.rows()), (2, 5));
    assert_eq!(text(&groups.read(1).unwrap()), text(&frame.gather(&[1, 2])));
}

#[test]
fn a_column_that_is_not_there_or_holds_something_else_is_told() {
    let frame = sample();
    let told = |error: FrameError| error.to_string();
    assert_eq!(told(frame.column("netwrk").unwrap_err()), "no column `netwrk`; did you mean `network`?");
    assert_eq!(told(frame.numbers("network").unwrap_err()), "column `network` holds text; expected numbers");
    assert_eq!(told(frame.texts("fits").unwrap_err()), "column `fits` holds flags; expected text");
    assert_eq!(
        told(frame.select(&["fits", "fits"]).unwrap_err()),
        "column `fits` is there twice; expected names that differ"
    );
    let ragged = vec![("a".to_owned(), Column::Number(vec![1.0])), ("b".to_owned(), Column::Number(vec![]))];
    assert_eq!(told(Frame::new(ragged).unwrap_err()), "column `b` has 0 rows; expected 1 as in the first one");
    let (_folder, path) = written(&frame.to_csv().unwrap());
    assert_eq!(told(Frame::read_columns(&path, &["fit"]).unwrap_err()), "no column `fit`; did you mean `fits`?");
}

#[test]
fn rows_are_kept_and_ordered_as_asked() {
    let frame = sample();
    let kept = frame.filter(|row| frame.cell(row, "fits") == Cell::Flag(false));
    assert_eq!(kept.integers("point").unwrap(), [Some(-7)]);
    assert_eq!(frame.gather(&[2, 0]).integers("point").unwrap(), [Some(-7), Some(0)]);
    assert_eq!(frame.select(&["network"]).unwrap().texts("network").unwrap().words().count(), 2);
}

#[test]
fn columns_of_csv_hold_what_all_their_cells_can_be() {
    let (_folder, path) = written(b"i,n,t,f,none,mixed\n1,1,x,true,,1\n,2.5,2,false,,true\n");
    let read = Frame::read(&path).unwrap();
    assert_eq!(kinds(&read), [Kind::Integer, Kind::Number, Kind::Text, Kind::Flag, Kind::Text, Kind::Text]);
    assert!(read.numbers("none").unwrap().iter().all(|value| value.is_nan()));
}

#[test]
fn what_is_no_table_is_refused_with_its_name() {
    for content in [&b""[..], b"PAR1", b"PAR1 and no more", b"a,b\n1\n", b"a\n\xff\xfe\n", b"a,a\n1,2\n"] {
        let (_folder, path) = written(content);
        let error = Frame::read(&path).unwrap_err().to_string();
        assert!(error.contains("points.parquet") || error.contains("twice"), "{error}");
    }
    assert!(Frame::read("/no/such/file").unwrap_err().to_string().starts_with("cannot read /no/such/file: "));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_to_a_file_is_an_error_or_a_table(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<proptest::sample::Index>(), cut in any::<bool>(), parquet in any::<bool>(),
    ) {
        let frame = sample();
        let mut content = if parquet { frame.to_parquet() } else { frame.to_csv() }.unwrap();
        for (place, byte) in damage {
            let place = place.index(content.len());
            content[place] = byte;
        }
        if cut {
            content.truncate(keep.index(content.len()));
        }
        let (_folder, path) = written(&content);
        if let Ok(read) = Frame::read(&path) {
            prop_assert!(read.columns().all(|(_, column)| column.len() == read.rows()));
        }
    }

    #[test]
    fn any_numbers_survive_both_formats(values in proptest::collection::vec(any::<f64>(), 1..50)) {
        let frame = Frame::new(vec![("x".to_owned(), Column::Number(values.clone()))]).unwrap();
        for content in [frame.to_csv().unwrap(), frame.to_parquet().unwrap()] {
            let (_folder, path) = written(&content);
            let read = Frame::read(&path).unwrap();
            let read = read.numbers("x").unwrap();
            for (one, other) in read.iter().zip(&values) {
                prop_assert!(one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan());
            }
            prop_assert_eq!(read.len(), values.len());
        }
    }
}
