//! Numbers of tensors, in every encoding and beside the file.

use super::super::proto::*;
use super::super::{ReadOptions, load};
use super::{changed, node, valid};
use prost::Message;

#[test]
fn every_encoding_of_weights_gives_the_same_model() {
    let values = [0.5f32; 18];
    let bytes =
        |width: &dyn Fn(f32) -> Vec<u8>| Some(values.iter().flat_map(|&value| width(value)).collect::<Vec<u8>>());
    let half = |value: f32| half::f16::from_f32(value);
    let encodings: Vec<TensorProto> = vec![
        TensorProto {
            raw_data: bytes(&|value| value.to_le_bytes().into()),
            data_type: data_type::FLOAT,
            ..Default::default()
        },
        TensorProto {
            raw_data: bytes(&|value| f64::from(value).to_le_bytes().into()),
            data_type: data_type::DOUBLE,
            ..Default::default()
        },
        TensorProto { double_data: values.map(f64::from).to_vec(), data_type: data_type::DOUBLE, ..Default::default() },
        TensorProto {
            raw_data: bytes(&|value| half(value).to_le_bytes().into()),
            data_type: data_type::FLOAT16,
            ..Default::default()
        },
        TensorProto {
            int32_data: values.map(|value| half(value).to_bits().into()).to_vec(),
            data_type: data_type::FLOAT16,
            ..Default::default()
        },
        TensorProto {
            raw_data: bytes(&|value| half::bf16::from_f32(value).to_le_bytes().into()),
            data_type: data_type::BFLOAT16,
            ..Default::default()
        },
    ];
    let expected = changed(|_, _| ()).unwrap();
    for encoding in encodings {
        let tensor = TensorProto { name: "w".into(), dims: vec![2, 1, 3, 3], ..encoding };
        assert_eq!(
            changed(|_, graph| graph.initializer[0] = tensor.clone()).unwrap(),
            expected,
            "{}",
            tensor.data_type
        );
        // The same as a node instead of an initializer.
        let constant = changed(|_, graph| {
            graph.initializer.remove(0);
            let value = AttributeProto { name: "value".into(), t: Some(tensor.clone()), ..Default::default() };
            graph.node.push(node("w", "Constant", &[], vec![value]));
        });
        assert_eq!(constant.unwrap(), expected);
    }
}

#[test]
fn data_beside_the_file_is_read_within_its_folder_and_within_its_size() {
    let folder = std::env::temp_dir().join(format!("pisim-onnx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = [0.5f32; 20].iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join("w.bin"), bytes).unwrap();
    let read = |location: &str, offset: &str, length: &str| {
        let mut file = valid();
        let tensor = &mut file.graph.as_mut().unwrap().initializer[0];
        tensor.float_data.clear();
        tensor.data_location = EXTERNAL;
        let entries = [("location", location), ("offset", offset), ("length", length)];
        let entry = |(key, value): (&str, &str)| StringStringEntryProto { key: key.into(), value: value.into() };
        tensor.external_data = entries.map(entry).to_vec();
        let path = folder.join("net.onnx");
        std::fs::write(&path, file.encode_to_vec()).unwrap();
        load(&path, ReadOptions::default()).map_err(|error| error.to_string())
    };
    assert_eq!(read("w.bin", "8", "72").unwrap(), changed(|_, _| ()).unwrap());
    assert!(read("w.bin", "12", "72").unwrap_err().contains("w.bin, which has 80"));
    assert!(read("w.bin", "18446744073709551615", "72").is_err());
    assert!(read("w.bin", "0", "71").unwrap_err().contains("has 71 bytes, but its dimensions need 72"));
    assert!(read("w.bin", "x", "72").unwrap_err().contains("offset of its external data is `x`, not a number"));
    assert!(read("v.bin", "0", "72").unwrap_err().contains("v.bin cannot be read"));
    for outside in ["../w.bin", "/etc/passwd", "", "a/../../w.bin"] {
        assert!(read(outside, "0", "72").unwrap_err().contains("not below the file's own folder"), "{outside}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
