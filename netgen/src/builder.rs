//! Puts a network together layer by layer and infers every shape once.

use std::collections::HashSet;

use crate::{Cell, Conv, Layer, LayerId, LayerMask, Network, NetworkError, Op, Shape};

/// Limits that keep every count of a network within 64 bits: 2^14 layers of at most 2^48 MACs each.
const MAX_LAYERS_LOG2: u32 = 14;
const MAX_ELEMENTS_LOG2: u32 = 32;
const MAX_WORK_LOG2: u32 = 48;
/// Largest window of a max pool, 8x8: its values go through one comparison tree. A larger pool is a pool of pools.
const MAX_WINDOW_LOG2: u32 = 6;

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

    /// Builds the same network again, leaving out the layers for which `keep` is false: whoever read a left-out layer
    /// reads that layer's first input instead.
    pub(crate) fn rebuild(network: &Network, keep: impl Fn(LayerId) -> bool) -> Result<Network, NetworkError> {
        Self::rebuild_with(network, network.input, |builder, id, inputs| match (keep(id), inputs.first()) {
            (false, Some(&input)) => Ok(input),
            _ => builder.add_like(network.layer(id), network.layer(id).op, inputs),
        })
    }

    /// Builds a network layer by layer after another one, on an input of this shape. `add` adds what stands for a layer of
    /// `network`, whose stage is open, given its new inputs, and returns the layer that its readers are to read.
    pub(crate) fn rebuild_with(
        network: &Network,
        input: Shape,
        mut add: impl FnMut(&mut Self, LayerId, &[LayerId]) -> Result<LayerId, NetworkError>,
    ) -> Result<Network, NetworkError> {
        let mut builder = Self::start_like(&Network { input, ..network.clone() })?;
        let mut new_ids = vec![builder.input()];
        for (id, layer) in network.iter().skip(1) {
            let inputs = builder.map_inputs(layer, &new_ids)?;
            builder.open_stage_of(network, layer)?;
            new_ids.push(add(&mut builder, id, &inputs)?);
        }
        builder.finish()
    }

    /// Builds the same network again with other masks: `mask` gives each layer's.
    pub(crate) fn rebuild_masked(
        network: &Network,
        mut mask: impl FnMut(LayerId, &Layer) -> Option<LayerMask>,
    ) -> Result<Network, NetworkError> {
        let mut builder = Self::start_like(network)?;
        for (id, layer) in network.iter().skip(1) {
            builder.open_stage_of(network, layer)?;
            builder.add_masked(layer.name.clone(), layer.op, &layer.inputs, mask(id, layer))?;
        }
        builder.finish()
    }

    /// An empty builder with another network's name, input, stages and notes.
    pub(crate) fn start_like(network: &Network) -> Result<Self, NetworkError> {
        let mut builder = Self::new(network.name.clone(), network.input)?;
        builder.network.stages.clone_from(&network.stages);
        builder.network.notes.clone_from(&network.notes);
        Ok(builder)
    }

    /// The new ids of a layer's inputs.
    pub(crate) fn map_inputs(&self, layer: &Layer, new_ids: &[LayerId]) -> Result<Vec<LayerId>, NetworkError> {
        let map = |input: &LayerId| {
            new_ids.get(input.0).copied().ok_or_else(|| NetworkError::Layer {
                layer: layer.name.clone(),
                problem: format!("input {} comes later or nowhere", input.0),
            })
        };
        layer.inputs.iter().map(map).collect()
    }

    /// Adds a copy of another network's layer to the open stage, with the operation changed. Its mask stays,
    /// so the shape must, too.
    pub(crate) fn add_like(&mut self, layer: &Layer, op: Op, inputs: &[LayerId]) -> Result<LayerId, NetworkError> {
        self.add_masked(layer.name.clone(), op, inputs, layer.mask.clone())
    }

    /// Opens the stage that a layer has in another network.
    pub(crate) fn open_stage_of(&mut self, from: &Network, layer: &Layer) -> Result<(), NetworkError> {
        let stage = from.stages.get(layer.stage).ok_or_else(|| NetworkError::Layer {
            layer: layer.name.clone(),
            problem: format!("there is no stage {}", layer.stage),
        })?;
        self.stage(stage);
        Ok(())
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

/// Output shape of an operation whose number of inputs was checked.
fn infer_shape(name: &str, op: &Op, inputs: &[Shape], mask: Option<&LayerMask>) -> Result<Shape, NetworkError> {
    let wrong = |problem: String| NetworkError::Layer { layer: name.into(), problem };
    let &input = inputs.first().ok_or_else(|| wrong("it reads nothing".into()))?;
    let output = match *op {
        Op::Input | Op::Relu | Op::Rescale | Op::ChannelBias { .. } | Op::LeakyRelu { .. } | Op::PRelu => input,
        Op::ClampedRelu { max: 0 } => return Err(wrong("a ReLU with a largest result of 0 is always 0".into())),
        Op::ClampedRelu { .. } => input,
        Op::MaxPool { kernel, stride, padding } | Op::MaxPoolThen { kernel, stride, padding, .. } => {
            let window = |size| windows(size, kernel, stride, padding);
            let (height, width) = window(input.height).zip(window(input.width)).ok_or_else(|| {
                wrong(format!(
                    "a {kernel}x{kernel} window with stride {stride} and padding {padding} does not fit {input}"
                ))
            })?;
            check_product(name, "values of a window", &[kernel, kernel], MAX_WINDOW_LOG2)?;
            check_work(name, "comparisons", &[input.channels, height, width, kernel, kernel])?;
            Shape::new(input.channels, height, width)
        }
        Op::Conv(conv) => {
            let window = |size| windows(size, conv.kernel, conv.stride, conv.padding);
            let size = window(input.height).zip(window(input.width));
            let (height, width) = size.ok_or_else(|| {
                let Conv { kernel, stride, padding, .. } = conv;
                wrong(format!(
                    "a {kernel}x{kernel} kernel with stride {stride} and padding {padding} does not fit {input}"
                ))
            })?;
            check_work(name, "weights", &[conv.out_channels, input.channels, conv.kernel, conv.kernel])?;
            check_work(name, "MACs", &[conv.out_channels, input.channels, conv.kernel, conv.kernel, height, width])?;
            Shape::new(conv.out_channels, height, width)
        }
        Op::Linear { out_features } => {
            check_work(name, "weights", &[out_features, input.len()])?;
            Shape::new(out_features, 1, 1)
        }
        Op::AvgPool { kernel, stride } => {
            let size = windows(input.height, kernel, stride, 0).zip(windows(input.width, kernel, stride, 0));
            let (height, width) = size.ok_or_else(|| {
                wrong(format!("a {kernel}x{kernel} window with stride {stride} does not fit {input}"))
            })?;
            Shape::new(input.channels, height, width)
        }
        Op::GlobalAvgPool => Shape::new(input.channels, 1, 1),
        Op::Select { cell } => {
            let mask = mask.filter(|mask| mask.shape() == input);
            let mask = mask.ok_or_else(|| wrong(format!("it needs a mask of shape {input}")))?;
            match mask.kept_per_channel().filter(|_| cell == Cell::Kept) {
                Some(each) => Shape::new(input.channels, each, 1),
                None => Shape::new(mask.count(cell), 1, 1),
            }
        }
        Op::Merge { .. } => {
            let mask = mask.ok_or_else(|| wrong("it needs a mask".into()))?;
            let parts = [Cell::Kept, Cell::Linear].map(|cell| mask.count(cell));
            let given = inputs.iter().map(Shape::len);
            if !given.eq(parts.into_iter().filter(|part| *part > 0)) {
                return Err(wrong(format!(
                    "its inputs are not the {} kept and {} linear elements",
                    parts[0], parts[1]
                )));
            }
            mask.shape()
        }
        Op::Slice { groups, start, channels } => {
            let group = equal_groups(input.channels, groups).map_err(wrong)?;
            if channels == 0 || start.checked_add(channels).is_none_or(|end| end > group) {
                return Err(wrong(format!("channels {start} to {start}+{channels} are not within groups of {group}")));
            }
            Shape::new(groups * channels, input.height, input.width)
        }
        Op::Concat { groups, .. } => {
            for shape in inputs {
                equal_groups(shape.channels, groups).map_err(wrong)?;
                if (shape.height, shape.width) != (input.height, input.width) {
                    return Err(wrong(format!("cannot concatenate the channels of {input} and {shape}")));
                }
            }
            let channels = inputs.iter().fold(0usize, |sum, shape| sum.saturating_add(shape.channels));
            Shape::new(channels, input.height, input.width)
        }
        Op::Add => {
            if let Some(other) = inputs.iter().find(|&&shape| shape != input) {
                return Err(wrong(format!("cannot add shapes {input} and {other}")));
            }
            input
        }
    };
    check_shape(name, output)?;
    Ok(output)
}

/// Whether an operation can have a mask, and its output is the mask's shape.
fn check_mask(op: &Op, output: Shape, mask: Option<&LayerMask>) -> Result<(), String> {
    let Some(mask) = mask else { return Ok(()) };
    match op {
        Op::Select { .. } | Op::Merge { .. } => return Ok(()),
        op if op.is_activation() && mask.count(Cell::Zero) == mask.shape().len() => {
            return Err("its mask leaves nothing but zeros".into());
        }
        Op::PRelu if mask.kept_per_channel().is_none() => {
            return Err("a parametric ReLU's mask keeps as many elements in every channel".into());
        }
        op if op.is_activation() => {}
        Op::Conv(_) if mask.count(Cell::Linear) > 0 || mask.kept_pixels().is_none_or(|pixels| pixels.is_empty()) => {
            return Err("a convolution's mask keeps at least one pixel, and the same ones in all channels".into());
        }
        Op::Conv(_) => {}
        other => return Err(format!("a layer of kind {} has no mask", other.kind())),
    }
    if mask.shape() == output {
        return Ok(());
    }
    Err(format!("its mask has shape {}, its output {output}", mask.shape()))
}

/// Channels in each of several equal groups.
fn equal_groups(channels: usize, groups: usize) -> Result<usize, String> {
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(format!("{channels} channels are not {groups} equal groups"));
    }
    Ok(channels / groups)
}

/// Number of positions of a window along one dimension; none if it does not fit once.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    // Padding of a whole kernel or more would only compute constants.
    if kernel == 0 || stride == 0 || padding >= kernel {
        return None;
    }
    let padded = size.checked_add(padding.checked_mul(2)?)?;
    Some(padded.checked_sub(kernel)? / stride + 1)
}

fn check_shape(name: &str, shape: Shape) -> Result<(), NetworkError> {
    let factors = [shape.channels, shape.height, shape.width];
    if factors.contains(&0) {
        return Err(NetworkError::Layer { layer: name.into(), problem: format!("its shape {shape} is empty") });
    }
    check_product(name, "elements", &factors, MAX_ELEMENTS_LOG2)
}

fn check_work(name: &str, quantity: &'static str, factors: &[usize]) -> Result<(), NetworkError> {
    check_product(name, quantity, factors, MAX_WORK_LOG2)
}

fn check_product(name: &str, quantity: &'static str, factors: &[usize], limit_log2: u32) -> Result<(), NetworkError> {
    let product = factors.iter().try_fold(1u64, |product, &factor| product.checked_mul(factor as u64));
    match product {
        Some(product) if product <= 1 << limit_log2 => Ok(()),
        _ => Err(NetworkError::TooLarge { layer: name.into(), quantity, limit_log2 }),
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
