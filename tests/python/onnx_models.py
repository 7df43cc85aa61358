"""ONNX models as other tools write them, and what onnxruntime answers: the other side of tests/tests/onnx.

    python onnx_models.py models DIR           write NAME.onnx with random weights, and NAME.json with an input and the logits
    python onnx_models.py run MODEL.onnx JSON  run a model on {"inputs": [[...], ...]} and add its "logits" to the JSON file

Needs the packages onnx and onnxruntime. Everything is seeded.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and weights of a graph, with names as PyTorch's exporter makes them."""

    def __init__(self, seed, shape=(1, 3, 32, 32), batch="N", dtype=np.float32):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.shape, self.batch, self.dtype = shape, batch, dtype

    def constant(self, name, values):
        self.initializers.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def weight(self, name, *shape, scale=1.0):
        return self.constant(name, (self.random.standard_normal(shape) * scale).astype(self.dtype))

    def node(self, op, inputs, name, outputs=None, **attributes):
        output = outputs or [f"{name}_output_0"]
        self.nodes.append(helper.make_node(op, inputs, output, name=name, **attributes))
        return output[0]

    def conv(self, x, module, channels, out, kernel, stride=1, bias=False, **attributes):
        inputs = [x, self.weight(f"{module}.weight", out, channels, kernel, kernel, scale=(2 / (channels * kernel**2)) ** 0.5)]
        if bias:
            inputs.append(self.weight(f"{module}.bias", out, scale=0.1))
        if not {"pads", "auto_pad"} & attributes.keys():
            attributes["pads"] = [kernel // 2] * 4
        return self.node("Conv", inputs, f"/{module.replace('.', '/')}/Conv", kernel_shape=[kernel] * 2, strides=[stride] * 2, **attributes)

    def norm(self, x, module, channels, signed=False):
        """A batch norm with statistics as after training: nothing is 0 or 1."""
        gamma = self.random.uniform(0.5, 1.5, channels)
        if signed:
            gamma *= self.random.choice([-1, 1], channels)
        values = {
            "weight": gamma,
            "bias": self.random.normal(0, 0.3, channels),
            "running_mean": self.random.normal(0, 0.5, channels),
            "running_var": self.random.uniform(0.3, 2.5, channels),
        }
        inputs = [self.constant(f"{module}.{key}", value.astype(self.dtype)) for key, value in values.items()]
        return self.node("BatchNormalization", [x, *inputs], f"/{module.replace('.', '/')}/BatchNormalization", epsilon=1e-5, momentum=0.9)

    def relu(self, x, module):
        return self.node("Relu", [x], f"/{module}/Relu")

    def linear(self, x, module, features, out):
        weight = self.weight(f"{module}.weight", out, features, scale=(1 / features) ** 0.5)
        return self.node("Gemm", [x, weight, self.weight(f"{module}.bias", out, scale=0.1)], f"/{module}/Gemm", alpha=1.0, beta=1.0, transB=1)

    def model(self, output, opset):
        float_type = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        info = helper.make_tensor_value_info("input", float_type, [self.batch, *self.shape[1:]])
        logits = helper.make_tensor_value_info(output, float_type, [self.batch, "K"])
        graph = helper.make_graph(self.nodes, "main_graph", [info], [logits], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="onnx.helper")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def basic_block(g, x, name, channels, out, stride):
    y = g.norm(g.conv(x, f"{name}.conv1", channels, out, 3, stride), f"{name}.bn1", out)
    y = g.relu(y, f"{name.replace('.', '/')}/relu")
    y = g.norm(g.conv(y, f"{name}.conv2", out, out, 3), f"{name}.bn2", out)
    if stride != 1 or channels != out:
        x = g.norm(g.conv(x, f"{name}.downsample.0", channels, out, 1, stride), f"{name}.downsample.1", out)
    added = g.node("Add", [y, x], f"/{name.replace('.', '/')}/Add")
    return g.relu(added, f"{name.replace('.', '/')}/relu_1")


def resnet18(seed, pool, size=64, classes=10, opset=17):
    """torchvision's resnet18: 7x7 stem of stride 2, pool, four stages of two basic blocks, global pool, classifier."""
    g = Graph(seed, (1, 3, size, size))
    x = g.relu(g.norm(g.conv("input", "conv1", 3, 64, 7, 2), "bn1", 64), "relu")
    if pool == "max":
        x = g.node("MaxPool", [x], "/maxpool/MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=0)
    else:
        x = g.node("AveragePool", [x], "/avgpool1/AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    channels = 64
    for stage, out in enumerate([64, 128, 256, 512], 1):
        for block in range(2):
            x = basic_block(g, x, f"layer{stage}.{block}", channels, out, 2 if stage > 1 and block == 0 else 1)
            channels = out
    x = g.node("GlobalAveragePool", [x], "/avgpool/GlobalAveragePool")
    x = g.node("Flatten", [x], "/Flatten", axis=1)
    return g.model(g.linear(x, "fc", 512, classes), opset), g.shape


def vgg(seed, opset=13):
    """Biases, batch norms on some, a Pad before a convolution, x.view(x.size(0), -1), MatMul and Add, a dropout."""
    g = Graph(seed)
    x = g.relu(g.conv("input", "features.0", 3, 16, 3, bias=True), "features/1")
    pads = g.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    x = g.node("Pad", [x, pads], "/features/pad/Pad", mode="constant")
    x = g.relu(g.norm(g.conv(x, "features.2", 16, 16, 3, bias=True, pads=[0] * 4), "features.3", 16), "features/4")
    x = g.node("AveragePool", [x], "/features/5/AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    x = g.relu(g.conv(x, "features.6", 16, 32, 3, auto_pad="SAME_UPPER"), "features/7")
    x = g.node("AveragePool", [x], "/features/8/AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    batch = g.node("Gather", [g.node("Shape", [x], "/Shape"), g.constant("zero", np.array(0, np.int64))], "/Gather", axis=0)
    batch = g.node("Unsqueeze", [batch, g.constant("axes", np.array([0], np.int64))], "/Unsqueeze")
    target = g.node("Concat", [batch, g.constant("minus_one", np.array([-1], np.int64))], "/Concat", axis=0)
    x = g.node("Reshape", [x, target], "/Reshape")
    x = g.node("MatMul", [x, g.weight("hidden", 32 * 64, 40, scale=0.02)], "/classifier/MatMul")
    x = g.relu(g.node("Add", [g.weight("hidden_bias", 40, scale=0.1), x], "/classifier/Add"), "classifier/1")
    x = g.node("Dropout", [x], "/classifier/2/Dropout")
    return g.model(g.linear(x, "classifier.3", 40, 7), opset), g.shape


def preactivation(seed, signed, opset=15):
    """A pre-activation residual network: batch norms that no convolution computes, factors of both signs on request."""
    g = Graph(seed, (1, 3, 16, 16), batch=1)
    x = g.conv("input", "conv1", 3, 8, 3)
    for block in range(2):
        name = f"layer1.{block}"
        y = g.relu(g.norm(x, f"{name}.bn1", 8, signed), f"layer1/{block}/relu")
        y = g.norm(g.conv(y, f"{name}.conv1", 8, 8, 3), f"{name}.bn2", 8, signed)
        y = g.conv(g.relu(y, f"layer1/{block}/relu_1"), f"{name}.conv2", 8, 8, 3)
        x = g.node("Add", [x, y], f"/layer1/{block}/Add")
    x = g.relu(g.norm(x, "bn", 8, signed), "relu")
    x = g.node("ReduceMean", [x], "/ReduceMean", axes=[2, 3], keepdims=0)
    return g.model(g.linear(x, "fc", 8, 5), opset), g.shape


def affine(seed, opset=18):
    """Normalisation of the image in the graph, constants behind convolutions and sums, axes as inputs (version 18)."""
    g = Graph(seed, (1, 3, 8, 8))
    x = g.node("Sub", ["input", g.constant("mean", np.float32([0.49, 0.48, 0.45]).reshape(1, 3, 1, 1))], "normalise/Sub")
    x = g.node("Div", [x, g.constant("std", np.float32([0.25, 0.24, 0.26]).reshape(3, 1, 1))], "normalise/Div")
    x = g.conv(x, "conv1", 3, 6, 3, pads=[0] * 4)
    x = g.node("Mul", [x, g.weight("scale", 6, 1, 1)], "scale/Mul")
    x = g.node("Sub", [g.constant("one", np.array(1, np.float32)), x], "minus/Sub")
    zero = g.constant("lowest", np.array(0, np.float32))
    x = g.node("Clip", [x, zero], "clip/Clip")
    axes = g.constant("axes", np.array([-2, -1], np.int64))
    x = g.node("ReduceMean", [x, axes], "mean/ReduceMean", keepdims=1)
    x = g.node("Squeeze", [x, g.constant("squeezed", np.array([2, 3], np.int64))], "squeeze/Squeeze")
    x = g.node("Identity", [x], "identity/Identity")
    x = g.node("Gemm", [x, g.weight("fc.weight", 6, 4), g.weight("fc.bias", 1, 4)], "fc/Gemm", alpha=0.5, beta=2.0)
    x = g.norm(x, "fc_norm", 4)
    return g.model(x, opset), g.shape


def activations(seed, opset=17):
    """ReLU6, leaky and parametric ReLUs, max pools with and without padding, a global max pool."""
    g = Graph(seed, (1, 3, 16, 16))
    x = g.norm(g.conv("input", "conv1", 3, 8, 3), "bn1", 8)
    bounds = [g.constant("zero", np.array(0, np.float32)), g.constant("six", np.array(6, np.float32))]
    x = g.node("Clip", [x, *bounds], "/act1/Clip")
    x = g.node("MaxPool", [x], "/pool1/MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    x = g.conv(x, "conv2", 8, 8, 3, bias=True)
    x = g.node("LeakyRelu", [x], "/act2/LeakyRelu", alpha=0.1)
    x = g.node("MaxPool", [x], "/pool2/MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    x = g.conv(x, "conv3", 8, 8, 1)
    x = g.node("PRelu", [x, g.weight("act3.weight", 8, 1, 1, scale=0.3)], "/act3/PRelu")
    x = g.node("GlobalMaxPool", [x], "/gmp/GlobalMaxPool")
    x = g.node("Flatten", [x], "/Flatten")
    return g.model(g.linear(x, "fc", 8, 6), opset), g.shape


def typed(seed):
    """Every second weight in the typed fields; the file's large tensors go into a file of their own."""
    model, shape = vgg(seed)
    for index, tensor in enumerate(model.graph.initializer):
        if tensor.data_type == TensorProto.FLOAT and index % 2 == 0:
            values = numpy_helper.to_array(tensor)
            typed = helper.make_tensor(tensor.name, TensorProto.FLOAT, values.shape, values.flatten().tolist())
            tensor.CopyFrom(typed)
    return model, shape


def models():
    yield "resnet18", resnet18(1, "average")
    yield "resnet18_max", resnet18(2, "max", opset=13)
    yield "vgg", vgg(3)
    yield "vgg_typed", typed(4)
    yield "preactivation", preactivation(5, signed=False)
    yield "preactivation_signed", preactivation(6, signed=True)
    yield "affine", affine(7)
    yield "activations", activations(8)


def run(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    dims = [dim if isinstance(dim, int) else 1 for dim in session.get_inputs()[0].shape]
    answer = lambda values: session.run(None, {name: np.array(values, np.float32).reshape(dims)})[0].flatten().tolist()
    return [answer(values) for values in inputs]


def write_models(folder):
    for name, (model, shape) in models():
        path = folder / f"{name}.onnx"
        if name == "vgg_typed":
            onnx.save(model, path, save_as_external_data=True, location=f"{name}.data", size_threshold=4096)
        else:
            onnx.save(model, path)
        inputs = [np.random.default_rng(9).random(shape, np.float32).flatten().tolist()]
        path.with_suffix(".json").write_text(json.dumps({"inputs": inputs, "logits": run(path, inputs)}))


def main():
    match sys.argv[1:]:
        case ["models", folder]:
            write_models(Path(folder))
        case ["run", model, data]:
            data = Path(data)
            values = json.loads(data.read_text())
            onnx.checker.check_model(model, full_check=True)
            values["logits"] = run(model, values["inputs"])
            data.write_text(json.dumps(values))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
