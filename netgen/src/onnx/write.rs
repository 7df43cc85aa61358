//! A model as an ONNX file.

use std::collections::HashSet;

use prost::Message;

use super::OnnxError;
use super::channels::{interleaved, sliced};
use super::metadata::Metadata;
use super::proto::{
    AttributeProto, Dimension, GraphProto, IR_VERSION, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, ValueInfoProto, attribute_type, data_type,
};
use crate::{Cell, Conv, FloatLayer, Layer, LayerId, LayerMask, Model, NetworkError, Op, Shape};

/// Version of the operator set that is written: the oldest that PyTorch's own exporter writes today.
const OPSET: i64 = 17;

/// Most parameters of a model in one file: protobuf readers accept less than 2 GiB.
pub const MAX_PARAMS: u64 = (1 << 29) - (1 << 20);

/// Name of the dimension whose size is left open.
const BATCH: &str = "N";

/// `BatchNormalization.epsilon` as PyTorch sets it. The variance is written as 1 − ε, so that nothing is divided.
const EPSILON: f32 = 1e-5;

/// A model as the bytes of an ONNX file, batch size left open. A convolution with a batch norm becomes `Conv` and
/// `BatchNormalization` with a mean of 0 and a variance of 1: the same function, in the form that training starts from.
///
/// # Errors
/// Weights that do not belong to the network, or more than fit into one file.
pub fn write(model: &Model) -> Result<Vec<u8>, OnnxError> {
    model.check()?;
    let network = &model.network;
    if network.params() > MAX_PARAMS {
        let (name, count) = (&network.name, network.params());
        return Err(OnnxError::graph(format!(
            "{name} has {count} parameters; an ONNX file holds at most {MAX_PARAMS}"
        )));
    }
    let mut writer = Writer::new(model);
    for (id, layer) in network.iter().skip(1) {
        writer.layer(id, layer)?;
    }
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "pisim".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(writer.finish()),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: vec![Metadata::of(network).entry()?],
    };
    Ok(file.encode_to_vec())
}

struct Writer<'a> {
    model: &'a Model,
    graph: GraphProto,
    /// Names of values and nodes; those of layers are taken from the start.
    names: HashSet<String>,
    /// Whether each layer's value has the dimensions `[N, features]` instead of `[N, C, H, W]`.
    flat: Vec<bool>,
}

impl<'a> Writer<'a> {
    fn new(model: &'a Model) -> Self {
        let network = &model.network;
        let names = network.layers.iter().map(|layer| layer.name.clone()).collect();
        let graph = GraphProto { name: network.name.clone(), ..GraphProto::default() };
        Self { model, graph, names, flat: vec![false] }
    }

    fn finish(mut self) -> GraphProto {
        let network = &self.model.network;
        let last = network.layer(network.output_id());
        let flat = self.flat.last().copied().unwrap_or_default();
        self.graph.input = vec![value_info("input", network.input, false)];
        self.graph.output = vec![value_info(&last.name, last.output, flat)];
        self.graph
    }

    /// A name that nothing else has.
    fn fresh(&mut self, wanted: String) -> String {
        let mut name = wanted;
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    fn layer(&mut self, id: LayerId, layer: &Layer) -> Result<(), OnnxError> {
        let name = layer.name.as_str();
        let flat = match layer.op {
            Op::Linear { .. } => true,
            Op::Conv(_) | Op::AvgPool { .. } | Op::GlobalAvgPool | Op::MaxPool { .. } => false,
            _ => layer.inputs.first().and_then(|input| self.flat.get(input.0)).copied().unwrap_or_default(),
        };
        let mut inputs = Vec::with_capacity(layer.inputs.len());
        for &input in &layer.inputs {
            inputs.push(self.operand(name, input, flat));
        }
        // What a mask leaves out is computed nevertheless, and replaced behind it.
        let plain = inputs.first().cloned().unwrap_or_default();
        let output = if layer.mask.is_some() { self.fresh(format!("{name}.unmasked")) } else { name.to_owned() };
        let output = output.as_str();
        match layer.op {
            Op::Conv(conv) => self.conv(id, name, conv, inputs, output)?,
            Op::Linear { out_features } => {
                let own = self.model.of(id)?;
                let features = self.model.network.input_shape(id).len();
                inputs.push(self.tensor(format!("{name}.weight"), &[out_features, features], &own.weights));
                inputs.push(self.tensor(format!("{name}.bias"), &[out_features], &own.bias));
                self.node(name, "Gemm", inputs, name, vec![whole("transB", 1)]);
            }
            Op::ChannelBias { norm } => {
                let FloatLayer { bias, .. } = self.model.of(id)?;
                if norm {
                    self.norm(name, inputs.pop().unwrap_or_default(), name, bias);
                } else {
                    let dims: &[usize] = if flat { &[1, bias.len()] } else { &[1, bias.len(), 1, 1] };
                    inputs.push(self.tensor(format!("{name}.bias"), dims, bias));
                    self.node(name, "Add", inputs, name, Vec::new());
                }
            }
            Op::AvgPool { kernel, stride } => self.node(name, "AveragePool", inputs, name, window(kernel, stride)),
            Op::MaxPool { kernel, stride, padding } => {
                let mut attributes = window(kernel, stride);
                attributes.push(ints("pads", &[int(padding); 4]));
                self.node(name, "MaxPool", inputs, name, attributes);
            }
            Op::GlobalAvgPool => self.node(name, "GlobalAveragePool", inputs, name, Vec::new()),
            Op::Relu => self.node(name, "Relu", inputs, output, Vec::new()),
            Op::ClampedRelu { max } => {
                inputs.push(self.tensor(format!("{name}.min"), &[], &[0.0]));
                inputs.push(self.tensor(format!("{name}.max"), &[], &[max as f32]));
                self.node(name, "Clip", inputs, output, Vec::new());
            }
            Op::LeakyRelu { slope } => {
                // At most 16 binary digits: exact.
                self.node(name, "LeakyRelu", inputs, output, vec![number("alpha", slope.value() as f32)]);
            }
            Op::PRelu => {
                let FloatLayer { weights, .. } = self.model.of(id)?;
                let dims: &[usize] = if flat { &[weights.len()] } else { &[weights.len(), 1, 1] };
                inputs.push(self.tensor(format!("{name}.weight"), dims, weights));
                self.node(name, "PRelu", inputs, output, Vec::new());
            }
            Op::Add => self.node(name, "Add", inputs, name, Vec::new()),
            Op::Input | Op::Rescale | Op::Select { .. } | Op::Merge { .. } | Op::MaxPoolThen { .. } => {
                let problem =
                    format!("{} is a step of fixed point; write the network that it was made from", layer.op.kind());
                return Err(NetworkError::Layer { layer: name.into(), problem }.into());
            }
            Op::Slice { groups, start, channels } => {
                let own = self.model.network.input_shape(id).channels;
                self.gather(name, inputs, name, &sliced(own, groups, start, channels));
            }
            Op::Concat { groups, inputs: parts } if groups == 1 || parts == 1 => {
                self.node(name, "Concat", inputs, name, vec![whole("axis", 1)]);
            }
            Op::Concat { groups, .. } => {
                let channels = layer.inputs.iter().map(|&input| self.model.network.layer(input).output.channels);
                let order = interleaved(&channels.collect::<Vec<_>>(), groups);
                let together = self.fresh(format!("{name}.concat"));
                self.node(&together, "Concat", inputs, &together, vec![whole("axis", 1)]);
                self.gather(name, vec![together], name, &order);
            }
        }
        if let Some(mask) = &layer.mask {
            self.mask(name, mask, plain, output.to_owned(), flat);
        }
        self.flat.push(flat);
        Ok(())
    }

    fn conv(
        &mut self,
        id: LayerId,
        name: &str,
        conv: Conv,
        mut inputs: Vec<String>,
        output: &str,
    ) -> Result<(), OnnxError> {
        let own = self.model.of(id)?;
        let mut attributes = window(conv.kernel, conv.stride);
        attributes.push(ints("pads", &[int(conv.padding); 4]));
        let channels = self.model.network.input_shape(id).channels;
        let dims = [conv.out_channels, channels, conv.kernel, conv.kernel];
        inputs.push(self.tensor(format!("{name}.weight"), &dims, &own.weights));
        let zeros = vec![0.0; conv.out_channels];
        if conv.bias || (!conv.norm && own.bias != zeros) {
            // With a batch norm, the folded bias is the norm's.
            let bias = if conv.norm { &zeros } else { &own.bias };
            inputs.push(self.tensor(format!("{name}.bias"), &[conv.out_channels], bias));
        }
        if conv.norm {
            let before = self.fresh(format!("{name}.before_norm"));
            self.node(name, "Conv", inputs, &before, attributes);
            let norm = self.fresh(format!("{name}.norm"));
            self.norm(&norm, before, output, &own.bias);
        } else {
            self.node(name, "Conv", inputs, output, attributes);
        }
        Ok(())
    }

    /// What a mask makes of `computed`, the layer's every element: linear ones are those of its `input`, others are zero.
    fn mask(&mut self, name: &str, mask: &LayerMask, input: String, computed: String, flat: bool) {
        let shape = mask.shape();
        let dims: &[usize] = if flat { &[1, shape.len()] } else { &[1, shape.channels, shape.height, shape.width] };
        let (linear, zero) = (mask.count(Cell::Linear) > 0, mask.count(Cell::Zero) > 0);
        let mut value = computed;
        if linear {
            let condition = self.fresh(format!("{name}.kept"));
            self.graph.initializer.push(TensorProto {
                dims: dims.iter().map(|&dim| int(dim)).collect(),
                data_type: data_type::BOOL,
                raw_data: Some(mask.cells().iter().map(|cell| u8::from(*cell == Cell::Kept)).collect()),
                name: condition.clone(),
                ..TensorProto::default()
            });
            let (node, output) = (self.fresh(format!("{name}.where")), self.behind(name, !zero));
            self.node(&node, "Where", vec![condition, value, input], &output, Vec::new());
            value = output;
        }
        if zero {
            let factors: Vec<f32> = mask.cells().iter().map(|cell| f32::from(*cell != Cell::Zero)).collect();
            let factors = self.tensor(format!("{name}.computed"), dims, &factors);
            let node = self.fresh(format!("{name}.mul"));
            self.node(&node, "Mul", vec![value, factors], name, Vec::new());
        }
    }

    /// The layer's own name for its last value, a fresh one for one before.
    fn behind(&mut self, name: &str, last: bool) -> String {
        if last { name.to_owned() } else { self.fresh(format!("{name}.linear")) }
    }

    /// The name of a layer's value with the dimensions that its reader wants, reshaped if it has others.
    fn operand(&mut self, reader: &str, input: LayerId, flat: bool) -> String {
        let layer = self.model.network.layer(input);
        if self.flat.get(input.0).copied().unwrap_or_default() == flat {
            return layer.name.clone();
        }
        let shape = layer.output;
        let reshaped = self.fresh(format!("{reader}.flatten"));
        if flat {
            self.node(&reshaped, "Flatten", vec![layer.name.clone()], &reshaped, vec![whole("axis", 1)]);
        } else {
            // A zero keeps the batch as it is.
            let dims = [0, int(shape.channels), int(shape.height), int(shape.width)];
            let target = self.fresh(format!("{reshaped}.shape"));
            self.graph.initializer.push(TensorProto {
                dims: vec![4],
                data_type: data_type::INT64,
                int64_data: dims.to_vec(),
                name: target.clone(),
                ..TensorProto::default()
            });
            self.node(&reshaped, "Reshape", vec![layer.name.clone(), target], &reshaped, Vec::new());
        }
        reshaped
    }

    /// Picks channels.
    fn gather(&mut self, node: &str, mut inputs: Vec<String>, output: &str, channels: &[usize]) {
        let indices = self.fresh(format!("{node}.channels"));
        self.graph.initializer.push(TensorProto {
            dims: vec![int(channels.len())],
            data_type: data_type::INT64,
            int64_data: channels.iter().map(|&channel| int(channel)).collect(),
            name: indices.clone(),
            ..TensorProto::default()
        });
        inputs.push(indices);
        self.node(node, "Gather", inputs, output, vec![whole("axis", 1)]);
    }

    /// A batch norm that adds `bias` and does nothing else.
    fn norm(&mut self, node: &str, input: String, output: &str, bias: &[f32]) {
        let dims = [bias.len()];
        let values = [
            ("weight", vec![1.0; bias.len()]),
            ("bias", bias.to_vec()),
            ("running_mean", vec![0.0; bias.len()]),
            ("running_var", vec![1.0 - EPSILON; bias.len()]),
        ];
        let mut inputs = vec![input];
        for (what, values) in values {
            let tensor = self.tensor(format!("{node}.{what}"), &dims, &values);
            inputs.push(tensor);
        }
        self.node(node, "BatchNormalization", inputs, output, vec![number("epsilon", EPSILON)]);
    }

    fn node(&mut self, name: &str, op: &str, input: Vec<String>, output: &str, attribute: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            input,
            output: vec![output.into()],
            name: name.into(),
            op_type: op.into(),
            attribute,
            domain: String::new(),
        });
    }

    fn tensor(&mut self, name: String, dims: &[usize], values: &[f32]) -> String {
        let name = self.fresh(name);
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|&dim| int(dim)).collect(),
            data_type: data_type::FLOAT,
            raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }
}

fn value_info(name: &str, shape: Shape, flat: bool) -> ValueInfoProto {
    let known = |size: usize| Dimension { dim_value: Some(int(size)), dim_param: None };
    let mut dim = vec![Dimension { dim_value: None, dim_param: Some(BATCH.into()) }];
    if flat {
        dim.push(known(shape.len()));
    } else {
        dim.extend([shape.channels, shape.height, shape.width].map(known));
    }
    let tensor_type = TensorType { elem_type: data_type::FLOAT, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

/// Attributes of a square window.
fn window(kernel: usize, stride: usize) -> Vec<AttributeProto> {
    vec![ints("kernel_shape", &[int(kernel); 2]), ints("strides", &[int(stride); 2])]
}

fn number(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f: Some(value), r#type: attribute_type::FLOAT, ..Default::default() }
}

fn whole(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), r#type: attribute_type::INT, ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: values.to_vec(), r#type: attribute_type::INTS, ..Default::default() }
}

/// Sizes of a checked network are far below 2^63.
fn int(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
