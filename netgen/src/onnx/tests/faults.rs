//! Files that are wrong in one way each.

use super::super::proto::*;
use super::super::{ReadOptions, read};
use super::{attribute, changed, info, valid};
use prost::Message;

#[test]
fn each_fault_of_a_graph_is_one_error_that_says_what_and_where() {
    type Change = fn(&mut ModelProto, &mut GraphProto);
    let cases: &[(Change, &str)] = &[
        (
            |_, g| g.node[1].op_type = "Tanh".into(),
            "node relu (Tanh): the operator is not supported; supported are Add, Av",
        ),
        (|_, g| g.node[1].op_type = "Softmax".into(), "export the network without it"),
        (|_, g| g.node[1].domain = "com.example".into(), "node relu (Relu): the operator domain `com.example`"),
        (|_, g| g.node[1].input[0] = "fc".into(), "has a cycle"),
        (|_, g| g.node[1].input[0] = "nowhere".into(), "node relu (Relu): its input `nowhere` is computed by no node"),
        (|_, g| g.node[1].input.clear(), "node relu (Relu): its input 0 is missing"),
        (|_, g| g.node[1].output.clear(), "it has no output"),
        (
            |_, g| g.node[2].output[0] = "relu".into(),
            "node flat (Flatten): its output `relu` is computed elsewhere too",
        ),
        (|_, g| g.node[0].output[0] = "x".into(), "node conv (Conv): its output `x` is computed elsewhere too"),
        (
            |_, g| g.node[0].attribute.push(attribute("dilations", &[2, 2])),
            "node conv (Conv): dilations = [2, 2] are not",
        ),
        (
            |_, g| g.node[0].attribute[0].ints[3] = 0,
            "padding by [1, 1, 1, 0] (above, left, below, right) is not supported",
        ),
        (|_, g| g.node[0].attribute[0].ints[3] = -1, "pads = [1, 1, 1, -1] are not supported"),
        (|_, g| g.node[0].attribute[0].ints.pop().map_or((), drop), "pads = [1, 1, 1] are not supported"),
        (
            |_, g| g.node[0].attribute.push(attribute("strides", &[1, 2])),
            "strides = [1, 2] is not supported; supported are two",
        ),
        (|_, g| g.node[0].attribute.push(attribute("strides", &[0, 0])), "stride 0"),
        (|_, g| g.node[0].attribute.push(attribute("strides", &[-1, -1])), "expected positive numbers"),
        (
            |_, g| g.node[0].attribute.push(attribute("activations", &[])),
            "the attribute `activations` is not supported; supp",
        ),
        (
            |_, g| g.node[0].attribute.push(AttributeProto { i: Some(2), ..attribute("group", &[]) }),
            "node conv (Conv): group = 2 is not supported; supported is 1",
        ),
        (|_, g| g.initializer[0].dims = vec![2, 1, 9, 1], "two equal numbers"),
        (|_, g| g.initializer[0].dims = vec![1, 2, 3, 3], "its weights are for 2 channels, but its input has 1"),
        (|_, g| g.initializer[0].dims = vec![18], "expected [out, in, rows, columns]"),
        (
            |_, g| g.initializer[0].dims = vec![2, 1, 3, 4],
            "tensor w: its dimensions [2, 1, 3, 4] need 24 numbers, found 18",
        ),
        (
            |_, g| g.initializer[0].dims = vec![1 << 40, 1 << 40],
            "tensor w: dimensions [1099511627776, 1099511627776] are too",
        ),
        (|_, g| g.initializer[0].dims = vec![1 << 40, 2], "found 18"),
        (|_, g| g.initializer[0].dims[0] = -2, "tensor w: the dimension -2 is negative"),
        (|_, g| g.initializer[0].data_type = 8, "tensor w: string elements are not supported"),
        (|_, g| g.initializer[0].data_type = data_type::INT64, "need 18 numbers, found 0"),
        (
            |_, g| g.initializer[0].raw_data = Some(vec![0; 71]),
            "tensor w: its dimensions [2, 1, 3, 3] need 72 bytes of data, found 71",
        ),
        (|_, g| g.initializer[0].float_data[5] = f32::NAN, "weight of layer conv: NaN is not possible"),
        (|_, g| g.initializer[0].data_location = EXTERNAL, "tensor w: its external data has no location"),
        (
            |_, g| {
                g.initializer[0].data_location = EXTERNAL;
                let (key, value) = ("location".into(), "w.bin".into());
                g.initializer[0].external_data = vec![StringStringEntryProto { key, value }];
            },
            "tensor w: its data lies in another file, w.bin, which is not there",
        ),
        (
            |_, g| g.initializer[1].dims = vec![16, 4],
            "node fc (Gemm): its weights are for 16 features, but its input has 32",
        ),
        (|_, g| g.node[3].input[0] = "relu".into(), "so flatten it"),
        (|_, g| g.initializer[2].dims = vec![1, 1, 2, 1], "its bias has dimensions [1, 1, 2, 1]; expected 2 numbers"),
        (
            |_, g| g.node[2].attribute.push(AttributeProto { i: Some(2), ..attribute("axis", &[]) }),
            "axis = 2 is not supported",
        ),
        (
            |_, g| g.input[0] = info("x", &[1, 4, 4]),
            "the input `x`: it has 3 dimensions; expected [batch, channels, height",
        ),
        (|_, g| g.input[0] = info("x", &[1, 1, -1, 4]), "its height is left open; give rows and columns with --input"),
        (|_, g| g.input[0] = info("x", &[1, 1, 0, 4]), "shape 1x0x4 is empty"),
        (|_, g| g.input[0] = info("x", &[1, 1, 1 << 40, 1 << 40]), "elements exceed the limit of 2^32"),
        (|_, g| g.input[0].r#type = None, "the input `x`: it is no tensor"),
        (|_, g| g.input.push(info("y", &[1])), "the graph must have one input, the image; it has 2 (x, y)"),
        (|_, g| g.output.clear(), "the graph must have one output, the logits; it has 0"),
        (|_, g| g.output[0] = info("x", &[1]), "the output `x` is not computed from the input `x`"),
        (|_, g| g.output[0] = info("w", &[1]), "the output `w` is not computed from the input"),
        (|_, g| g.sparse_initializer.push(Unread {}), "sparse initializers are not supported"),
        (|f, _| f.opset_import[0].version = 6, "version 6 of the operator set is not supported; supported are 7 to 23"),
        (|f, _| f.opset_import.clear(), "which version of the standard operator set"),
        (
            |f, _| f.metadata_props = vec![StringStringEntryProto { key: "pisim".into(), value: "stages = 3".into() }],
            "the file's metadata `pisim` is damaged",
        ),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let error = changed(change).err();
        let error = error.unwrap_or_else(|| panic!("case {number} is read, expected: {expected}"));
        assert!(error.contains(expected), "case {number}: {error}\nexpected: {expected}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn bytes_that_are_no_onnx_file_are_refused() {
    let error = |bytes: &[u8]| read(bytes, "x", ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(error(b""), "the file is empty");
    assert!(error(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").contains("not an ONNX file"));
    assert!(error(b"family = \"resnet18\"\n").contains("not an ONNX"));
    let valid = valid().encode_to_vec();
    for length in 1..valid.len() {
        error(&valid[..length]);
    }
}

/// A hundred megabytes of empty nodes would become gigabytes of structures.
#[test]
fn files_of_countless_tiny_messages_are_refused_before_they_are_unpacked() {
    let graph: Vec<u8> = [0x0a, 0x00].repeat(200_000);
    let mut file = vec![0x3a];
    prost::encoding::encode_varint(graph.len() as u64, &mut file);
    file.extend(graph);
    let error = read(&file, "x", ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "the file has 200000 nodes; at most 131072 are accepted");
    let error = changed(|_, graph| graph.node[0].attribute = vec![AttributeProto::default(); 140_000]).unwrap_err();
    assert_eq!(error, "the file has 140000 attributes; at most 131072 are accepted");
}

#[test]
fn names_in_a_file_cannot_blow_up_a_message() {
    let error = changed(|_, graph| graph.node[1].input[0] = "a\nb".repeat(100_000)).unwrap_err();
    assert!(error.len() < 1200 && !error.contains('\n'), "{error}");
    let metadata = "stages = [\"s1\\u001b[2J\"]\nlayers = {}".to_owned();
    let entry = StringStringEntryProto { key: "pisim".into(), value: metadata };
    let error = changed(|file, _| file.metadata_props.push(entry)).unwrap_err();
    assert!(error.contains("control characters"), "{error}");
}
