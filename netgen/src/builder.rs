//! Puts a network together layer by layer and infers every shape once.

mod again;
mod shapes;

use self::shapes::{check_mask, check_shape, infer_shape};
use crate::{Conv, Layer, LayerId, LayerMask, Network, NetworkError, Op, Shape};
use std::collections::HashSet;

/// Keeps every count of a network within 64 bits: 2^14 layers of at most 2^48 MACs each.
const MAX_LAYERS_LOG2: u32 = 14;

/// Builds a [`Network`]. Layers go to the stage opened last.
///
/// ```
/// use pisim_netgen::{Conv, NetworkBuilder, Op, Shape};
/// let mut builder = NetworkBuilder::new("tiny", Shape::new(3, 8, 8))?;
/// builder.stage("s1");
/// let conv = Conv { out_channels: 4, kernel: 3, stride: 1, padding: 1, norm: true, bias: false };
/// let conv = builder.add("s1.conv", Op::Conv(conv), &[builder.input()])?;
/// let relu = builder.add("s1.relu", Op::Relu, &[conv])?;
/// builder.stage("head");
/// builder.add("head.fc", Op::Linear { out_features: 10 }, &[relu])?;
/// assert_eq!(builder.finish()?.relus(), 4 * 8 * 8);
/// # Ok::<(), pisim_netgen::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    network: Network,
    names: HashSet<String>,
    stage: usize,
}

impl NetworkBuilder {
    /// Starts a network with its input layer, named `input`.
    ///
    /// # Errors
    /// An empty or too large input shape.
    pub fn new(name: impl Into<String>, input: Shape) -> Result<Self, NetworkError> {
        check_shape("input", input)?;
        let layer =
            Layer { name: "input".into(), op: Op::Input, inputs: Vec::new(), stage: 0, output: input, mask: None };
        let network = Network {
            name: name.into(),
            input,
            classes: input.len(),
            stages: Vec::new(),
            layers: vec![layer],
            notes: Vec::new(),
        };
        Ok(Self { network, names: HashSet::from(["input".into()]), stage: 0 })
    }

    /// Id of the input layer.
    pub const fn input(&self) -> LayerId {
        LayerId(0)
    }

    /// Opens a stage, or goes back to the one with this name.
    pub fn stage(&mut self, name: &str) {
        let stages = &mut self.network.stages;
        self.stage = stages.iter().position(|stage| stage == name).unwrap_or_else(|| {
            stages.push(name.into());
            stages.len() - 1
        });
    }

    /// Adds a sentence to [`Network::notes`].
    pub fn note(&mut self, note: impl Into<String>) {
        self.network.notes.push(note.into());
    }

    /// Output shape of a layer that was added before.
    ///
    /// # Panics
    /// If the id belongs to another network.
    pub fn shape(&self, id: LayerId) -> Shape {
        self.network.layer(id).output
    }

    /// Appends a layer to the open stage (a stage `s1` is opened if there is none) and infers its shape.
    ///
    /// # Errors
    /// A name used twice, a missing or later input, wrong number of inputs, shapes that do not fit, or a layer whose
    /// counts would exceed the limits.
    pub fn add(&mut self, name: impl Into<String>, op: Op, inputs: &[LayerId]) -> Result<LayerId, NetworkError> {
        self.add_masked(name, op, inputs, None)
    }

    /// Appends a layer with a mask: of a ReLU's elements, or of a convolution's pixels.
    ///
    /// # Errors
    /// As [`NetworkBuilder::add`]; a mask of another shape than the layer's output, or with cells that the operation
    /// cannot have.
    pub fn add_masked(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[LayerId],
        mask: Option<LayerMask>,
    ) -> Result<LayerId, NetworkError> {
        let name = name.into();
        let wrong = |problem: String| NetworkError::Layer { layer: name.clone(), problem };
        if op == Op::Input {
            return Err(wrong("a network has one input, its layer 0".into()));
        }
        if inputs.len() != op.arity() {
            return Err(wrong(format!("{} reads {} tensors, found {}", op.kind(), op.arity(), inputs.len())));
        }
        let mut shapes = Vec::with_capacity(inputs.len());
        for input in inputs {
            let layer = self.network.layers.get(input.0);
            shapes.push(layer.ok_or_else(|| wrong(format!("input {} comes later or nowhere", input.0)))?.output);
        }
        if self.network.layers.len() >= 1 << MAX_LAYERS_LOG2 {
            return Err(NetworkError::TooLarge { layer: name, quantity: "layers", limit_log2: MAX_LAYERS_LOG2 });
        }
        // What keeps everything is no mask.
        let mask = mask.filter(|mask| !mask.keeps_all() || matches!(op, Op::Select { .. } | Op::Merge { .. }));
        let output = infer_shape(&name, &op, &shapes, mask.as_ref())?;
        check_mask(&op, output, mask.as_ref()).map_err(wrong)?;
        if !self.names.insert(name.clone()) {
            return Err(wrong("another layer has the same name".into()));
        }
        if self.network.stages.is_empty() {
            self.stage("s1");
        }
        self.network.layers.push(Layer { name, op, inputs: inputs.to_vec(), stage: self.stage, output, mask });
        Ok(LayerId(self.network.layers.len() - 1))
    }

    /// A convolution followed by a batch norm: kernel `kernel`, padding that keeps the size at stride 1.
    ///
    /// # Errors
    /// As [`NetworkBuilder::add`].
    pub(crate) fn conv_norm(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        out_channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<LayerId, NetworkError> {
        let conv = Conv { out_channels, kernel, stride, padding: kernel / 2, norm: true, bias: false };
        self.add(name, Op::Conv(conv), &[input])
    }

    /// Ends the network; the layer added last gives the logits.
    ///
    /// # Errors
    /// A layer whose output nobody reads.
    pub fn finish(mut self) -> Result<Network, NetworkError> {
        if self.network.stages.is_empty() {
            self.stage("s1");
        }
        let last = self.network.output_id();
        let unread = self.network.consumers().iter().enumerate().position(|(id, to)| id != last.0 && to.is_empty());
        if let Some(unread) = unread {
            let layer = self.network.layer(LayerId(unread)).name.clone();
            return Err(NetworkError::Layer { layer, problem: "no later layer reads its output".into() });
        }
        self.network.classes = self.network.layer(last).output.len();
        Ok(self.network)
    }

    /// The name itself, or with the first number behind it that makes it new.
    pub(crate) fn unused_name(&self, name: String) -> String {
        if !self.names.contains(&name) {
            return name;
        }
        let numbered = |number: usize| format!("{name}{number}");
        // There are fewer names than numbers.
        (2..).map(numbered).find(|name| !self.names.contains(name)).unwrap_or(name)
    }

    /// The network as far as it is built.
    pub(crate) const fn so_far(&self) -> &Network {
        &self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(kernel: usize, stride: usize, padding: usize) -> Op {
        Op::Conv(Conv { out_channels: 2, kernel, stride, padding, norm: false, bias: false })
    }

    fn error(shape: Shape, op: Op) -> String {
        let mut net = NetworkBuilder::new("n", shape).unwrap();
        net.add("l", op, &[net.input()]).unwrap_err().to_string()
    }

    #[test]
    fn operations_that_do_not_fit_their_input_are_refused() {
        let small = Shape::new(1, 2, 2);
        assert!(error(small, conv(3, 1, 0)).contains("3x3 kernel with stride 1 and padding 0 does not fit 1x2x2"));
        assert!(error(small, conv(1, 0, 0)).contains("stride 0"));
        assert!(error(small, conv(0, 1, 0)).contains("0x0 kernel"));
        // A window that sees nothing but padding computes a constant.
        assert!(error(small, conv(3, 1, 3)).contains("padding 3"));
        assert!(error(small, conv(usize::MAX, 1, usize::MAX - 1)).contains("does not fit"));
        assert!(error(small, Op::AvgPool { kernel: 3, stride: 1 }).contains("3x3 window"));
        let pool = |kernel, stride, padding| error(small, Op::MaxPool { kernel, stride, padding });
        assert!(pool(3, 1, 0).contains("3x3 window with stride 1 and padding 0 does not fit 1x2x2"));
        // A window of padding alone has no largest value.
        assert!(pool(2, 1, 2).contains("padding 2"));
        assert!(pool(2, 0, 0).contains("stride 0"));
        assert!(pool(9, 1, 8).contains("values of a window exceed the limit of 2^6"));
        assert!(error(small, Op::ClampedRelu { max: 0 }).contains("always 0"));
        assert!(error(small, Op::Linear { out_features: 0 }).contains("empty"));
        assert!(error(small, Op::Input).contains("one input"));
        assert!(error(small, Op::Add).contains("add reads 2 tensors, found 1"));
        let slice = |groups, start, channels| error(Shape::new(6, 1, 1), Op::Slice { groups, start, channels });
        assert!(slice(4, 0, 1).contains("6 channels are not 4 equal groups"));
        assert!(slice(0, 0, 1).contains("not 0 equal groups"));
        assert!(slice(2, 2, 2).contains("channels 2 to 2+2 are not within groups of 3"));
        assert!(slice(1, usize::MAX, 2).contains("are not within groups of 6"));
        assert!(slice(1, 0, 0).contains("are not within"));
        assert!(error(small, Op::Concat { groups: 1, inputs: 2 }).contains("concat reads 2 tensors, found 1"));
        assert!(error(small, Op::Concat { groups: 2, inputs: 1 }).contains("1 channels are not 2 equal groups"));
        assert!(NetworkBuilder::new("n", Shape::new(0, 1, 1)).is_err());
        assert!(NetworkBuilder::new("n", Shape::new(usize::MAX, usize::MAX, 2)).is_err());
    }

    #[test]
    fn layers_too_large_to_count_are_refused() {
        let image = Shape::new(1 << 10, 1 << 11, 1 << 11);
        assert!(error(image, conv(1 << 10, 1, 1 << 9)).contains("MACs exceed the limit of 2^48"));
        assert!(error(image, Op::Linear { out_features: 1 << 20 }).contains("weights exceed"));
        assert!(NetworkBuilder::new("n", Shape::new(1 << 11, 1 << 11, 1 << 11)).is_err());
        let mut net = NetworkBuilder::new("n", Shape::new(1, 1, 1)).unwrap();
        let last = (1..1 << MAX_LAYERS_LOG2).try_fold(net.input(), |x, i| net.add(i.to_string(), Op::Relu, &[x]));
        assert!(matches!(
            net.add("one more", Op::Relu, &[last.unwrap()]),
            Err(NetworkError::TooLarge { quantity: "layers", .. })
        ));
    }

    #[test]
    fn names_inputs_and_unread_layers_are_checked() {
        let mut net = NetworkBuilder::new("n", Shape::new(1, 4, 4)).unwrap();
        let a = net.add("a", conv(3, 1, 1), &[net.input()]).unwrap();
        let error = |result: Result<LayerId, NetworkError>| result.unwrap_err().to_string();
        assert!(error(net.add("a", Op::Relu, &[a])).contains("same name"));
        assert!(error(net.add("b", Op::Relu, &[LayerId(7)])).contains("input 7 comes later or nowhere"));
        let input = net.input();
        assert!(error(net.add("b", Op::Add, &[a, input])).contains("cannot add shapes 2x4x4 and 1x4x4"));
        let pool = net.add("pool", Op::GlobalAvgPool, &[input]).unwrap();
        let concat = Op::Concat { groups: 1, inputs: 2 };
        assert!(error(net.add("b", concat, &[a, pool])).contains("cannot concatenate the channels of 2x4x4 and 1x1x1"));
        assert_eq!(net.unused_name("a".into()), "a2");
        net.add("b", Op::Relu, &[input]).unwrap();
        let unread = net.finish().unwrap_err();
        assert_eq!(unread.to_string(), "layer a: no later layer reads its output");
    }
}
