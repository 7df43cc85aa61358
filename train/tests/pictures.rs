//! Pictures are what their files hold, and what is no such file is refused with the reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_netgen::Shape;
use pisim_train::data::{DataSet, Pictures};
use proptest::prelude::*;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use std::path::{Path, PathBuf};

/// As NumPy writes it: the header padded with spaces to a multiple of 64, a newline at its end.
fn npy(kind: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn the_shipped_set_is_the_digits_without_overlap() {
    let data = DataSet::load(None).unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.classes), (1437, 360, 10));
    assert_eq!(data.train.shape, Shape::new(1, 8, 8));
    let known: Vec<&[f32]> = data.train.each().collect();
    assert!(data.test.each().all(|picture| !known.contains(&picture)), "a test picture is learnt");
    for class in 0..10 {
        assert!(data.train.labels.iter().filter(|label| **label == class).count() > 130, "{class}");
    }
    // Fixed-point scales are chosen on the same pictures as those of the trained networks that are shipped.
    let calibration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/digits/calibration-images.npy");
    let bytes = std::fs::read(calibration).unwrap();
    let pixels = &bytes[bytes.len() - 128 * 64..];
    let first = data.train.first(128);
    assert!(first.each().flatten().zip(pixels).all(|(value, pixel)| *value == f32::from(*pixel) / 255.0));
}

#[test]
fn wrong_files_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let labels = write(folder, "labels.npy", &npy("|u1", "False", "(2,)", &[3, 0]));
    let good = npy("|u1", "False", "(2, 1, 1, 2)", &[0, 255, 51, 0]);
    let read = Pictures::read(&write(folder, "good.npy", &good), &labels).unwrap();
    assert_eq!(read.each().collect::<Vec<_>>(), [[0.0, 1.0], [0.2, 0.0]]);
    assert_eq!(read.labels, [3, 0]);
    for (content, reason) in [
        (npy("|u1", "False", "(2, 1, 2)", &[0; 4]), "expected [n, channels, rows, columns]"),
        (npy("|u1", "False", "(3, 1, 1, 2)", &[0; 6]), "3 pictures have labels [3]"),
        (npy("|u1", "False", "(0, 1, 1, 2)", &[]), "without pictures"),
        (npy("|u1", "True", "(2, 1, 1, 2)", &[0; 4]), "Fortran"),
        (npy("<f4", "False", "(2, 1, 1, 2)", &[0; 16]), "expected uint8"),
        (npy("|u1", "False", "(2, 1, 1, 2)", &[0; 3]), "no NumPy array"),
        (npy("|u1", "False", "(9999, 9, 99, 99)", &[0; 3]), "shorter than an array"),
        (npy("|u1", "False", "(99999999999, 99999999999)", &[0; 3]), "no data set"),
        (b"PNG".to_vec(), "no NumPy array"),
    ] {
        let error = Pictures::read(&write(folder, "images.npy", &content), &labels).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}: expected {reason}");
    }
    for name in ["train", "test"] {
        let size = if name == "train" { "(2, 1, 1, 2)" } else { "(2, 1, 2, 1)" };
        write(folder, &format!("{name}-images.npy"), &npy("|u1", "False", size, &[0; 4]));
        write(folder, &format!("{name}-labels.npy"), &npy("|u1", "False", "(2,)", &[0, 1]));
    }
    let error = DataSet::load(Some(folder)).unwrap_err().to_string();
    assert!(error.contains("test-images.npy: pictures of shape 1x2x1; the training pictures have 1x1x2"), "{error}");
}

proptest! {
    #[test]
    fn moved_pictures_are_the_same_pictures_a_pixel_aside(seed in any::<u64>()) {
        let data = DataSet::load(None).unwrap().train.first(16);
        let indices: Vec<usize> = (0..16).collect();
        let batch = data.batch(&indices, Some(&mut ChaCha12Rng::seed_from_u64(seed))).unwrap();
        let moved = batch.inputs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (before, after) in data.each().zip(moved.chunks(64)) {
            let at = |y: isize, x: isize| {
                if (0..8).contains(&y) && (0..8).contains(&x) { before[(y * 8 + x) as usize] } else { 0.0 }
            };
            let is_move = |down: isize, right: isize| {
                (0..8).all(|y| (0..8).all(|x| after[(y * 8 + x) as usize] == at(y - down, x - right)))
            };
            prop_assert!((-1..=1).any(|down| (-1..=1).any(|right| is_move(down, right))));
        }
        prop_assert_eq!(batch.labels.to_vec1::<u32>().unwrap(), data.labels);
    }
}
