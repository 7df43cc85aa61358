//! Files of masks and score maps: what NumPy and image editors write, and what is wrong with others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pisim_netgen::{Granularity, NetworkSpec, ReluChoice, ScoreMap, mask, read_bitmap, read_scores};
use std::path::PathBuf;

/// A file in the folder of temporary files that is removed in the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("pisim-mask-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A `.npy` file of version 1: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
fn npy(kind: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let padded = format!("{header:<width$}\n", width = (header.len() + 11).next_multiple_of(64) - 11);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((padded.len() as u16).to_le_bytes());
    file.extend(padded.bytes());
    file.extend(data);
    file
}

fn grey(width: u32, height: u32, colour: png::ColorType, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

#[test]
fn arrays_of_every_kind_of_number_are_bitmaps() {
    let floats: Vec<u8> = [1f32, 0.0, 1.0].iter().flat_map(|number| number.to_le_bytes()).collect();
    let wide: Vec<u8> = [1i64, 0, 1].iter().flat_map(|number| number.to_be_bytes()).collect();
    for (kind, data) in [("|b1", vec![1, 0, 1]), ("|u1", vec![1, 0, 1]), ("<f4", floats), (">i8", wide)] {
        let file = File::new(&format!("kind{}.npy", &kind[1..]), &npy(kind, "False", "(3,)", &data));
        assert_eq!(read_bitmap(&file.0).unwrap(), [true, false, true], "{kind}");
    }
    // The layout of PyTorch's masks: any shape, C order.
    let network = NetworkSpec::named("hrn-tiny").unwrap().build().unwrap();
    let relus = network.relus() as usize;
    let bits: Vec<u8> = (0..relus).map(|index| u8::from(index % 5 == 0)).collect();
    let file = File::new("all.npy", &npy("|b1", "False", &format!("({relus}, 1)"), &bits));
    let masked = mask(&network, &ReluChoice::Bitmap(read_bitmap(&file.0).unwrap()), Granularity::Pixel, 0).unwrap();
    assert_eq!(masked.relus() as usize, relus.div_ceil(5));
}

#[test]
fn arrays_and_grey_images_are_score_maps() {
    let array = File::new("scores.npy", &npy("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 255]));
    let image = File::new("scores.png", &grey(3, 2, png::ColorType::Grayscale, &[1, 2, 3, 4, 5, 255]));
    let expected = ScoreMap::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 255.0]).unwrap();
    assert_eq!(read_scores(&array.0).unwrap(), expected);
    assert_eq!(read_scores(&image.0).unwrap(), expected);
}

#[test]
fn other_files_are_told_with_their_name_and_what_is_wrong() {
    let error = |name: &str, bytes: &[u8], scores: bool| {
        let file = File::new(name, bytes);
        let error = if scores { read_scores(&file.0).unwrap_err() } else { read_bitmap(&file.0).unwrap_err() };
        assert!(error.to_string().contains(&format!("{}: ", file.0.display())), "{error}");
        error.to_string()
    };
    assert!(error("two.npy", &npy("|u1", "False", "(2,)", &[0, 2]), false).contains("element 1 is 2"));
    assert!(error("short.npy", &npy("|u1", "False", "(9,)", &[0, 1]), false).contains("no NumPy array"));
    let claimed = npy("|u1", "False", "(18446744073709551615, 2)", &[0, 1]);
    assert!(error("huge.npy", &claimed, false).contains("is no mask of a network"));
    let mut long = claimed;
    long[6] = 2;
    assert!(error("long.npy", &long, false).contains("is no mask of a network"));
    assert!(error("large.npy", &npy("|u1", "False", "(4294967295,)", &[0, 1]), false).contains("no NumPy array"));
    assert!(error("text.npy", b"not an array", false).contains("no NumPy array"));
    assert!(error("words.npy", &npy("<U1", "False", "(1,)", &[0; 4]), false).contains("expected truth values"));
    assert!(error("fortran.npy", &npy("|u1", "True", "(1, 2)", &[0, 1]), false).contains("Fortran order"));
    assert!(error("row.npy", &npy("|u1", "False", "(2,)", &[0, 1]), true).contains("expected two: rows and columns"));
    let nan = npy("<f4", "False", "(1, 1)", &f32::NAN.to_le_bytes());
    assert!(error("nan.npy", &nan, true).contains("finite"));
    let colour = grey(1, 1, png::ColorType::Rgb, &[1, 2, 3]);
    assert!(error("colour.png", &colour, true).contains("expected a grey one"));
    assert!(error("cut.png", &grey(3, 2, png::ColorType::Grayscale, &[0; 6])[..40], true).contains("no PNG image"));
    let missing = read_bitmap(std::path::Path::new("/nowhere/mask.npy")).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/mask.npy: No such file"), "{missing}");
}
