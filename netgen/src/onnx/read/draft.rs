//! The network while it is read: layers whose weights and flags may still change, and what each value of the graph is.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::constant::{Constant, Data};
use super::file::External;
use super::graph::Graph;
use super::{Node, ReadOptions, Result, stages};
use crate::onnx::OnnxError;
use crate::onnx::proto::{TypeProto, data_type};
use crate::{FloatLayer, FloatWeights, LayerId, LayerMask, Model, NetworkBuilder, NetworkError, Op, Shape};

/// A value of the graph.
#[derive(Clone)]
pub(super) enum Value {
    Constant(Rc<Constant>),
    Activation(Activation),
}

/// A layer's output, and what a later layer must still do to it.
#[derive(Clone)]
pub(super) struct Activation {
    pub layer: LayerId,
    /// Its dimensions are `[N, features]` instead of `[N, C, H, W]`.
    pub flat: bool,
    /// One factor per channel that the layers which read the value must multiply by.
    pub scale: Option<Rc<Vec<f64>>>,
    /// Zeros to be added: above, left, below, right.
    pub pads: [usize; 4],
    /// The layer's output is read elsewhere too, so that nothing may be folded into the layer.
    pub shared: bool,
}

/// A layer before the network is put together.
pub(super) struct DraftLayer {
    pub name: String,
    pub op: Op,
    pub inputs: Vec<LayerId>,
    pub weights: Option<FloatLayer>,
    pub mask: Option<LayerMask>,
}

pub(super) struct Draft<'a> {
    graph: &'a Graph<'a>,
    values: HashMap<&'a str, Value>,
    /// Infers and checks shapes; flags of operations that do not change shapes may be out of date.
    shapes: NetworkBuilder,
    pub layers: Vec<DraftLayer>,
    names: HashSet<String>,
    /// The masks so far: equal ones share their cells.
    masks: HashSet<LayerMask>,
    notes: Vec<String>,
    /// Weights of all layers so far.
    weights: u64,
}

/// Most weights of a network that is read: as many floats as one file holds (2 GiB).
const MAX_WEIGHTS: u64 = 1 << 29;

impl<'a> Draft<'a> {
    pub fn new(graph: &'a Graph<'a>, options: ReadOptions) -> Result<Self> {
        let input = input_shape(graph.input.r#type.as_ref(), options)
            .map_err(|problem| OnnxError::graph(format!("the input `{}`: {problem}", graph.input.name)))?;
        let shapes = NetworkBuilder::new("", input)?;
        let layer = LayerId(0);
        let shared = graph.is_shared(&graph.input.name);
        let activation = Activation { layer, flat: false, scale: None, pads: [0; 4], shared };
        let first = DraftLayer { name: "input".into(), op: Op::Input, inputs: Vec::new(), weights: None, mask: None };
        Ok(Self {
            graph,
            values: HashMap::from([(graph.input.name.as_str(), Value::Activation(activation))]),
            shapes,
            layers: vec![first],
            names: HashSet::from(["input".into()]),
            masks: HashSet::new(),
            notes: Vec::new(),
            weights: 0,
        })
    }

    pub fn external(&self) -> &'a External {
        self.graph.external
    }

    pub fn graph(&self) -> &'a Graph<'a> {
        self.graph
    }

    pub fn shape(&self, layer: LayerId) -> Shape {
        self.shapes.shape(layer)
    }

    /// The value's dimensions with a batch of one.
    pub fn dims(&self, x: &Activation) -> Vec<i64> {
        let shape = self.shape(x.layer);
        let sizes = if x.flat { vec![shape.len()] } else { vec![shape.channels, shape.height, shape.width] };
        std::iter::once(1).chain(sizes).map(|size| size as i64).collect()
    }

    /// What an input is.
    pub fn value(&self, node: &Node<'a>, index: usize) -> Result<Value> {
        let name = node.input(index).ok_or_else(|| node.error(format!("its input {index} is missing")))?;
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        match self.graph.initializers.get(name) {
            Some(tensor) => Ok(Value::Constant(Rc::new(Constant::decode(tensor, self.graph.external)?))),
            None => Err(node.error(format!("its input `{name}` is computed by no node and is no initializer"))),
        }
    }

    /// An input that must be computed from the client's input; it may have paddings and factors.
    pub fn activation(&self, node: &Node<'a>, index: usize) -> Result<Activation> {
        match self.value(node, index)? {
            Value::Activation(activation) => Ok(activation),
            Value::Constant(_) => {
                Err(node
                    .error(format!("its input {index} is a constant; expected one computed from the graph's input")))
            }
        }
    }

    /// As [`Self::activation`], without paddings.
    pub fn unpadded(&self, node: &Node<'a>, index: usize) -> Result<Activation> {
        let activation = self.activation(node, index)?;
        if activation.pads == [0; 4] {
            return Ok(activation);
        }
        Err(node.error("a padded input is not supported here; a Pad is supported right before a Conv"))
    }

    /// An input that must be known.
    pub fn constant(&self, node: &Node<'a>, index: usize) -> Result<Rc<Constant>> {
        match self.value(node, index)? {
            Value::Constant(constant) => Ok(constant),
            Value::Activation(_) => Err(node
                .error(format!("its input {index} is computed from the graph's input; supported are constants there"))),
        }
    }

    /// Numbers that must be known, with their dimensions.
    pub fn floats(&self, node: &Node<'a>, index: usize) -> Result<(Vec<usize>, Rc<Constant>)> {
        let constant = self.constant(node, index)?;
        match constant.data {
            Data::Floats(_) => Ok((constant.dims.clone(), constant)),
            Data::Ints(_) => Err(node.error(format!("its input {index} has whole numbers; expected floats"))),
        }
    }

    /// Whole numbers that must be known.
    pub fn known_ints(&self, node: &Node<'a>, index: usize) -> Result<Vec<i64>> {
        match &self.constant(node, index)?.data {
            Data::Ints(values) => Ok(values.clone()),
            Data::Floats(_) => Err(node.error(format!("its input {index} has floats; expected whole numbers"))),
        }
    }

    /// Says what a node's first output is.
    pub fn set(&mut self, node: &Node<'a>, value: Value) {
        self.values.insert(node.output(), value);
    }

    /// Passes a value on under another name. Two readers of either name share the layer.
    pub fn alias(&mut self, node: &Node<'a>, mut value: Value) {
        if let Value::Activation(activation) = &mut value {
            activation.shared |= self.graph.is_shared(node.output());
        }
        self.set(node, value);
    }

    /// Appends a layer for a node, without making it the node's output.
    pub fn push(
        &mut self,
        node: &Node<'a>,
        op: Op,
        inputs: Vec<LayerId>,
        weights: Option<FloatLayer>,
    ) -> Result<LayerId> {
        let name = self.layer_name(node);
        let id = self.shapes.add(name.clone(), op, &inputs).map_err(|error| match error {
            NetworkError::Layer { problem, .. } => node.error(problem),
            other => node.error(other.to_string()),
        })?;
        self.weights += weights.as_ref().map_or(0, |own| own.weights.len() as u64);
        if self.weights > MAX_WEIGHTS {
            // One tensor that many nodes read is a copy for each of them here.
            return Err(node.error(format!("the network would have more than {MAX_WEIGHTS} weights")));
        }
        self.layers.push(DraftLayer { name, op, inputs, weights, mask: None });
        Ok(id)
    }

    /// Appends a layer for a node that becomes the node's output.
    pub fn add(
        &mut self,
        node: &Node<'a>,
        op: Op,
        inputs: Vec<LayerId>,
        weights: Option<FloatLayer>,
        flat: bool,
        scale: Option<Rc<Vec<f64>>>,
    ) -> Result<()> {
        let layer = self.push(node, op, inputs, weights)?;
        let shared = self.graph.is_shared(node.output());
        self.set(node, Value::Activation(Activation { layer, flat, scale, pads: [0; 4], shared }));
        Ok(())
    }

    /// A node completes the layer before it, which takes the node's name if that is a layer's.
    pub fn become_layer(&mut self, node: &Node<'a>, layer: LayerId, op: Op) {
        let name = if self.graph.names_layer(node) { Some(self.layer_name(node)) } else { None };
        if let Some(layer) = self.layers.get_mut(layer.0) {
            layer.op = op;
            layer.name = name.unwrap_or_else(|| std::mem::take(&mut layer.name));
        }
    }

    /// Gives a layer a mask in place of the one that it has.
    pub fn mask(&mut self, layer: LayerId, mask: LayerMask) {
        let known = self.masks.get(&mask).cloned();
        let mask = known.unwrap_or_else(|| {
            self.masks.insert(mask.clone());
            mask
        });
        if let Some(layer) = self.layers.get_mut(layer.0) {
            layer.mask = Some(mask);
        }
    }

    /// Adds a sentence to the network's notes.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// A readable name that no layer has yet.
    fn layer_name(&mut self, node: &Node<'a>) -> String {
        let base = if self.graph.names_layer(node) {
            node.name.to_owned()
        } else {
            stages::readable(node.name, node.operator())
        };
        let mut name = base.clone();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }

    /// Puts the network together.
    pub fn finish(self, file_name: &str) -> Result<Model> {
        let Self { graph, values, shapes, layers, notes, .. } = self;
        match values.get(graph.output) {
            Some(Value::Activation(Activation { scale: None, pads: [0, 0, 0, 0], .. })) if layers.len() > 1 => {}
            Some(Value::Activation(Activation { pads, .. })) if *pads != [0; 4] => {
                return Err(OnnxError::graph(format!("the output `{}` is padded; expected logits", graph.output)));
            }
            _ => {
                return Err(OnnxError::graph(format!(
                    "the output `{}` is not computed from the input `{}`",
                    graph.output, graph.input.name
                )));
            }
        }
        let metadata = graph.metadata.clone();
        let name = if metadata.is_some() && !graph.name.is_empty() { graph.name } else { file_name };
        let name: String = name.chars().filter(|char| !char.is_control()).collect();
        let mut builder = NetworkBuilder::new(name, shapes.shape(LayerId(0)))?;
        let stages = stages::assign(&layers, &shapes, metadata.as_ref());
        let known: Vec<String> = metadata.as_ref().map(|metadata| metadata.stages.clone()).unwrap_or_default();
        known.iter().for_each(|stage| builder.stage(stage));
        for note in metadata.into_iter().flat_map(|metadata| metadata.notes).chain(notes) {
            builder.note(note);
        }
        let mut weights = vec![None];
        for (layer, stage) in layers.into_iter().zip(&stages).skip(1) {
            builder.stage(stage);
            builder.add_masked(layer.name, layer.op, &layer.inputs, layer.mask)?;
            weights.push(layer.weights);
        }
        let model = Model { network: builder.finish()?, weights: FloatWeights(weights) };
        model.check()?;
        Ok(model)
    }
}

/// The image's shape; names instead of numbers for rows and columns are filled in.
fn input_shape(kind: Option<&TypeProto>, options: ReadOptions) -> std::result::Result<Shape, String> {
    let tensor = kind.and_then(|kind| kind.tensor_type.as_ref()).ok_or("it is no tensor")?;
    if !matches!(tensor.elem_type, data_type::FLOAT | data_type::DOUBLE | data_type::FLOAT16 | data_type::BFLOAT16) {
        return Err(format!("its elements are {}; expected float", data_type::name(tensor.elem_type)));
    }
    let shape = tensor.shape.as_ref().ok_or("it has no shape; expected [batch, channels, height, width]")?;
    let sizes: Vec<Option<i64>> = shape.dim.iter().map(|dim| dim.dim_value.filter(|&value| value != -1)).collect();
    let [_, channels, height, width] = sizes.as_slice() else {
        return Err(format!("it has {} dimensions; expected [batch, channels, height, width]", sizes.len()));
    };
    let size = |what: &str, size: &Option<i64>, open: Option<usize>| match (size, open) {
        (Some(size), _) => {
            usize::try_from(*size).map_err(|_| format!("its {what} is {size}; expected a positive number"))
        }
        (None, Some(open)) => Ok(open),
        (None, None) => {
            Err(format!("its {what} is left open; give rows and columns with --input, or export with fixed sizes"))
        }
    };
    Ok(Shape {
        channels: size("number of channels", channels, None)?,
        height: size("height", height, options.input_size)?,
        width: size("width", width, options.input_size)?,
    })
}
