//! Files that other tools might write, wrong in one way each.

#![allow(clippy::unwrap_used)]

use prost::Message;

use super::proto::*;
use super::{ReadOptions, read};
use crate::{Cell, Model, Op};

fn attribute(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: ints.to_vec(), r#type: attribute_type::INTS, ..Default::default() }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let float_data = values.to_vec();
    TensorProto {
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        float_data,
        name: name.into(),
        ..Default::default()
    }
}

fn node(name: &str, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|input| (*input).into()).collect(),
        output: vec![name.into()],
        name: name.into(),
        op_type: op.into(),
        attribute,
        domain: String::new(),
    }
}

fn info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims.iter().map(|&dim| Dimension { dim_value: Some(dim), dim_param: None }).collect();
    let tensor_type = TensorType { elem_type: data_type::FLOAT, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

/// A 3x3 convolution of a 1x4x4 image into two channels, a ReLU, flattened into a classifier of two.
fn valid() -> ModelProto {
    let graph = GraphProto {
        node: vec![
            node("conv", "Conv", &["x", "w"], vec![attribute("pads", &[1, 1, 1, 1])]),
            node("relu", "Relu", &["conv"], vec![]),
            node("flat", "Flatten", &["relu"], vec![]),
            node("fc", "Gemm", &["flat", "m", "b"], vec![]),
        ],
        name: "g".into(),
        initializer: vec![
            floats("w", &[2, 1, 3, 3], &[0.5; 18]),
            floats("m", &[32, 2], &[0.25; 64]),
            floats("b", &[2], &[1.0, -1.0]),
        ],
        input: vec![info("x", &[1, 1, 4, 4])],
        output: vec![info("fc", &[1, 2])],
        sparse_initializer: Vec::new(),
    };
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

fn changed(change: impl FnOnce(&mut ModelProto, &mut GraphProto)) -> Result<Model, String> {
    let mut file = valid();
    let mut graph = file.graph.take().unwrap();
    change(&mut file, &mut graph);
    file.graph = Some(graph);
    read(&file.encode_to_vec(), "net", ReadOptions::default()).map_err(|error| error.to_string())
}

#[test]
fn a_small_graph_is_read_in_whatever_order_its_nodes_are_in() {
    let model = changed(|_, _| ()).unwrap();
    let kinds: Vec<&str> = model.network.layers.iter().map(|layer| layer.op.kind()).collect();
    assert_eq!(kinds, ["input", "conv", "relu", "linear"]);
    assert_eq!(model.network.name, "net");
    let reversed = changed(|_, graph| graph.node.reverse()).unwrap();
    assert_eq!(reversed, model);
    // Nodes that nobody needs are not looked at.
    let dead = changed(|_, graph| graph.node.push(node("dead", "Einsum", &["relu"], vec![]))).unwrap();
    assert_eq!(dead, model);
}

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

/// Behind a sum no convolution can take a batch norm in. Its factors move into the convolutions behind it if they may.
#[test]
fn a_batch_norm_behind_a_sum_is_a_channel_bias_or_a_convolution_of_its_own() {
    let with_factors = |factors: [f32; 2]| {
        changed(|_, graph| {
            let statistics = ["scale", "shift", "mean", "variance"];
            graph.initializer.extend([
                floats("scale", &[2], &factors),
                floats("shift", &[2], &[0.5, 1.0]),
                floats("mean", &[2], &[0.25, 0.0]),
                floats("variance", &[2], &[1.0; 2]),
            ]);
            graph.node[1] = node("sum", "Add", &["conv", "conv"], vec![]);
            graph.node.push(node("norm", "BatchNormalization", &[&["sum"], &statistics[..]].concat(), vec![]));
            graph.node.push(node("relu", "Relu", &["norm"], vec![]));
        })
        .unwrap()
    };
    let kinds = |model: &Model| model.network.layers.iter().map(|layer| layer.op.kind()).collect::<Vec<_>>();
    let positive = with_factors([2.0, 4.0]);
    assert_eq!(kinds(&positive), ["input", "conv", "add", "channel-bias", "relu", "linear"]);
    // ε is 1e-5: 2 / √1.00001 to five digits.
    let bias = &positive.weights.0[3].as_ref().unwrap().bias;
    assert!((bias[0] - 0.0).abs() < 1e-5 && (bias[1] - 0.25).abs() < 1e-5, "{bias:?}");
    let linear = &positive.weights.0[5].as_ref().unwrap().weights;
    assert!((linear[0] - 0.5).abs() < 1e-4 && (linear[16] - 1.0).abs() < 1e-4, "{linear:?}");
    let negative = with_factors([2.0, -4.0]);
    assert_eq!(kinds(&negative), ["input", "conv", "add", "conv", "relu", "linear"]);
    assert!(matches!(negative.network.layers[3].op, Op::Conv(conv) if conv.kernel == 1 && conv.norm));
    assert!(
        negative.network.notes.iter().any(|note| note.contains("norm (BatchNormalization) is a 1x1 convolution here"))
    );
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
        super::load(&path, ReadOptions::default()).map_err(|error| error.to_string())
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

#[test]
fn names_of_exporters_become_names_of_layers() {
    let readable = super::read::readable;
    assert_eq!(readable("/layer1/layer1.0/conv1/Conv", "Conv"), "layer1.0.conv1");
    assert_eq!(readable("/layer1/layer1.0/relu_1/Relu", "Relu"), "layer1.0.relu_1");
    assert_eq!(readable("/layer1/layer1.0/Add", "Add"), "layer1.0");
    assert_eq!(readable("Conv_7", "Conv"), "Conv_7");
    assert_eq!(readable("", "Conv"), "conv");
    assert_eq!(readable("a\nb", "Conv"), "ab");
}

/// The ReLU of the valid graph masked: `Where` between it and its input, and `Mul` with zeros and ones.
fn masked(condition: &[i32], factors: &[f32], inputs: [&str; 3]) -> Result<Model, String> {
    changed(|_, graph| {
        graph.node.push(node("where", "Where", &inputs, vec![]));
        graph.node.push(node("mul", "Mul", &["where", "factors"], vec![]));
        graph.node[2].input[0] = "mul".into();
        graph.initializer.push(TensorProto {
            dims: vec![1, 2, 4, 4],
            data_type: data_type::BOOL,
            raw_data: Some(condition.iter().map(|chosen| *chosen as u8).collect()),
            name: "condition".into(),
            ..Default::default()
        });
        graph.initializer.push(floats("factors", &[2, 4, 4], factors));
    })
}

#[test]
fn a_choice_between_a_relu_and_its_input_and_a_product_with_zeros_are_a_mask() {
    let chosen: Vec<i32> = (0..32).map(|index| i32::from(index % 3 == 0)).collect();
    let factors: Vec<f32> = (0..32).map(|index| f32::from(u8::from(index % 5 != 0))).collect();
    let cell = |index: usize, kept: bool| match (index % 5, kept) {
        (0, _) => Cell::Zero,
        (_, true) => Cell::Kept,
        (_, false) => Cell::Linear,
    };
    for (inputs, kept_where) in [(["condition", "relu", "conv"], 1), (["condition", "conv", "relu"], 0)] {
        let model = masked(&chosen, &factors, inputs).unwrap();
        let relu = model.network.layers.iter().find(|layer| layer.op == Op::Relu).unwrap();
        let expected: Vec<Cell> = (0..32).map(|index| cell(index, chosen[index] == kept_where)).collect();
        assert_eq!(relu.mask.as_ref().unwrap().cells(), expected);
        let kept = expected.iter().filter(|cell| **cell == Cell::Kept).count();
        assert_eq!(model.network.relus(), kept as u64);
    }
    for (inputs, factors, says) in [
        (["condition", "conv", "conv"], &factors, "node where (Where): supported is a known choice between"),
        (["factors", "relu", "conv"], &factors, "node where (Where): its condition has floats; expected bool"),
        (["condition", "relu", "conv"], &vec![0.5; 32], "node mul (Mul): a constant of dimensions [2, 4, 4]"),
    ] {
        let error = masked(&chosen, factors, inputs).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
