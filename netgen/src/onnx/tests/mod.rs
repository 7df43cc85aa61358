//! Files that other tools might write.

#![allow(clippy::unwrap_used)]

mod faults;
mod tensors;

use super::proto::*;
use super::{ReadOptions, read};
use crate::{Cell, Model, Op};
use prost::Message;

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
