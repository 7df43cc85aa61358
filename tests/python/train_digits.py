#!/usr/bin/env python3
"""Trains the two networks of configs/digits on scikit-learn's handwritten digits and writes them with their test images.

    python3 -m venv venv && venv/bin/pip install -r tests/python/train-requirements.txt
    venv/bin/python tests/python/train_digits.py configs/digits

Run once; what it wrote is committed. It takes about two minutes on two cores. Two machines need not round alike, so a second
run may give other weights of the same quality; everything random has a fixed seed.

Written are:
  hrn.onnx, cnn.onnx        weights with their batch norms, batch size free
  test-images.npy           uint8 [360, 1, 8, 8]: the held-out fifth, value 255 is full ink
  test-labels.npy           uint8 [360]
  calibration-images.npy    uint8 [128, 1, 8, 8]: training images, for choosing fixed-point scales
Nothing is chosen by the test images: epochs and rates are fixed, and the last weights are the ones that are written.
"""

import argparse
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
EPOCHS = 120
BATCH = 64
PEAK_RATE = 4e-3
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.05
BN_EPSILON = 1e-5
BN_MOMENTUM = 0.95
CALIBRATION_IMAGES = 128


class Graph:
    """A network as a list of nodes, which JAX evaluates and ONNX stores. Node: (operator, name, inputs, attributes)."""

    def __init__(self, name):
        self.name, self.nodes, self.params, self.stats = name, [], {}, {}
        self.random = np.random.default_rng(SEED)

    def node(self, operator, name, inputs, **attributes):
        self.nodes.append((operator, name, inputs, attributes))
        return name

    def conv(self, name, x, channels_in, channels_out, kernel, stride, norm):
        fan_in = channels_in * kernel * kernel
        shape = (channels_out, channels_in, kernel, kernel)
        self.params[f"{name}.weight"] = self.random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        if not norm:
            self.params[f"{name}.bias"] = np.zeros(channels_out, np.float32)
        x = self.node("Conv", name, [x], kernel=kernel, stride=stride, pad=kernel // 2, bias=not norm)
        if not norm:
            return x
        self.params[f"{name}.bn.scale"] = np.ones(channels_out, np.float32)
        self.params[f"{name}.bn.bias"] = np.zeros(channels_out, np.float32)
        self.stats[f"{name}.bn.mean"] = np.zeros(channels_out, np.float32)
        self.stats[f"{name}.bn.var"] = np.ones(channels_out, np.float32)
        return self.node("BatchNormalization", f"{name}.bn", [x])

    def linear(self, name, x, features_in, features_out):
        bound = np.sqrt(1 / features_in)
        self.params[f"{name}.weight"] = self.random.uniform(-bound, bound, (features_out, features_in)).astype(np.float32)
        self.params[f"{name}.bias"] = np.zeros(features_out, np.float32)
        return self.node("Gemm", name, [x])


def hybrenet(name, base, multipliers, depths):
    """netgen's HybReNet on one input channel: stem, stages of basic blocks, global average, one classifier."""
    graph = Graph(name)
    x = graph.node("Relu", "stem.relu", [graph.conv("stem.conv", "input", 1, base, 3, 1, True)])
    channels, width = base, base
    for stage, depth in enumerate(depths, start=1):
        width *= 1 if stage == 1 else multipliers[stage - 2]
        for block in range(1, depth + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            at = f"s{stage}.b{block}"
            inner = graph.node("Relu", f"{at}.relu1", [graph.conv(f"{at}.conv1", x, channels, width, 3, stride, True)])
            branch = graph.conv(f"{at}.conv2", inner, width, width, 3, 1, True)
            same = stride == 1 and channels == width
            shortcut = x if same else graph.conv(f"{at}.shortcut", x, channels, width, 1, stride, True)
            x = graph.node("Relu", f"{at}.relu2", [graph.node("Add", f"{at}.add", [branch, shortcut])])
            channels = width
    x = graph.node("Flatten", "head.flatten", [graph.node("GlobalAveragePool", "head.pool", [x])])
    graph.linear("head.fc", x, channels, 10)
    return graph


def plain_cnn(name, channels):
    """Convolutions with biases, a ReLU and a 2x2 average pool after each; one classifier on the last 2x2 maps."""
    graph = Graph(name)
    x, before = "input", 1
    for index, width in enumerate(channels, start=1):
        x = graph.node("Relu", f"s{index}.relu", [graph.conv(f"s{index}.conv", x, before, width, 3, 1, False)])
        if index <= 2:
            x = graph.node("AveragePool", f"s{index}.pool", [x], kernel=2, stride=2)
        before = width
    x = graph.node("Flatten", "head.flatten", [x])
    graph.linear("head.fc", x, before * 4, 10)
    return graph


def forward(nodes, params, stats, x, training):
    """The logits, and the batch norms' running statistics after this batch."""
    values, new_stats = {"input": x}, dict(stats)
    for operator, name, inputs, attributes in nodes:
        read = [values[key] for key in inputs]
        if operator == "Conv":
            stride, pad = attributes["stride"], attributes["pad"]
            y = jax.lax.conv_general_dilated(
                read[0], params[f"{name}.weight"], (stride, stride), [(pad, pad)] * 2,
                dimension_numbers=("NCHW", "OIHW", "NCHW"))
            if attributes["bias"]:
                y = y + params[f"{name}.bias"][:, None, None]
        elif operator == "BatchNormalization":
            mean, var = stats[f"{name}.mean"], stats[f"{name}.var"]
            if training:
                mean, var = read[0].mean((0, 2, 3)), read[0].var((0, 2, 3))
                for key, batch in (("mean", mean), ("var", var)):
                    new_stats[f"{name}.{key}"] = BN_MOMENTUM * stats[f"{name}.{key}"] + (1 - BN_MOMENTUM) * batch
            scale = params[f"{name}.scale"] / jnp.sqrt(var + BN_EPSILON)
            y = (read[0] - mean[:, None, None]) * scale[:, None, None] + params[f"{name}.bias"][:, None, None]
        elif operator == "Relu":
            y = jnp.maximum(read[0], 0)
        elif operator == "Add":
            y = read[0] + read[1]
        elif operator == "AveragePool":
            batch, channels, height, width = read[0].shape
            y = read[0].reshape(batch, channels, height // 2, 2, width // 2, 2).mean((3, 5))
        elif operator == "GlobalAveragePool":
            y = read[0].mean((2, 3), keepdims=True)
        elif operator == "Flatten":
            y = read[0].reshape(read[0].shape[0], -1)
        else:
            y = read[0] @ params[f"{name}.weight"].T + params[f"{name}.bias"]
        values[name] = y
    return values[nodes[-1][1]], new_stats


def shifted(images, random):
    """Every image moved by at most one pixel each way, as writers' hands do."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = random.integers(0, 3, (len(images), 2))
    # Half of the images stay where they are.
    moves[random.random(len(images)) < 0.5] = 1
    return np.stack([image[:, y:y + 8, x:x + 8] for image, (y, x) in zip(padded, moves)])


def train(graph, images, labels):
    """AdamW on the cross entropy with smoothed labels, a warm-up and a cosine decay; the last weights."""
    nodes = graph.nodes
    params, stats = (jax.tree.map(jnp.asarray, part) for part in (graph.params, graph.stats))
    decayed = {name: float(name.endswith("weight")) for name in params}
    moments = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
    random = np.random.default_rng(SEED)
    steps = EPOCHS * (len(images) // BATCH)

    def loss(params, stats, x, y):
        logits, stats = forward(nodes, params, stats, x, True)
        target = jax.nn.one_hot(y, 10) * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / 10
        return -(target * jax.nn.log_softmax(logits)).sum(1).mean(), stats

    @jax.jit
    def step(params, stats, first, second, t, x, y):
        gradients, stats = jax.grad(loss, has_aux=True)(params, stats, x, y)
        rate = PEAK_RATE * jnp.minimum(t / 100, 0.5 * (1 + jnp.cos(jnp.pi * t / steps)))
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        bias1, bias2 = 1 - 0.9 ** t, 1 - 0.999 ** t
        update = lambda p, m, v, d: p - rate * ((m / bias1) / (jnp.sqrt(v / bias2) + 1e-8) + WEIGHT_DECAY * d * p)
        return jax.tree.map(update, params, first, second, decayed), stats, first, second

    t = 0
    for epoch in range(EPOCHS):
        order = random.permutation(len(images))
        moved = shifted(images, random)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start:start + BATCH]
            t += 1
            params, stats, *moments = step(params, stats, *moments, float(t), moved[batch], labels[batch])
    return jax.tree.map(np.asarray, params), jax.tree.map(np.asarray, stats)


def accuracy(graph, params, stats, images, labels):
    logits, _ = jax.jit(partial(forward, graph.nodes, training=False))(params, stats, images)
    return float((np.asarray(logits).argmax(1) == labels).mean())


def to_onnx(graph, params, stats):
    """The network with all its weights, as an exporter of a training framework would write it."""
    nodes = []
    for operator, name, inputs, attributes in graph.nodes:
        extra = []
        if operator == "Conv":
            kernel, stride, pad = attributes["kernel"], attributes["stride"], attributes["pad"]
            extra = [f"{name}.weight"] + ([f"{name}.bias"] if attributes["bias"] else [])
            options = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        elif operator == "BatchNormalization":
            extra = [f"{name}.{part}" for part in ("scale", "bias", "mean", "var")]
            options = {"epsilon": BN_EPSILON}
        elif operator == "AveragePool":
            options = {"kernel_shape": [attributes["kernel"]] * 2, "strides": [attributes["stride"]] * 2}
        elif operator == "Gemm":
            extra, options = [f"{name}.weight", f"{name}.bias"], {"transB": 1}
        else:
            options = {}
        nodes.append(helper.make_node(operator, inputs + extra, [name], name=name, **options))
    tensors = [numpy_helper.from_array(value, key) for key, value in {**params, **stats}.items()]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    inputs, outputs = [value("input", ["batch", 1, 8, 8])], [value(graph.nodes[-1][1], ["batch", 10])]
    body = helper.make_graph(nodes, graph.name, inputs, outputs, tensors)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], producer_name="train_digits.py")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    digits = load_digits()
    # 0 to 16 becomes 0 to 255: what is stored, and what the networks are trained on.
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.uint8)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=360, random_state=SEED, shuffle=True, stratify=labels)
    unit = lambda images: images.astype(np.float32) / 255
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "test-images.npy", test_x)
    np.save(folder / "test-labels.npy", test_y)
    np.save(folder / "calibration-images.npy", train_x[:CALIBRATION_IMAGES])
    for graph in (hybrenet("hrn", *HRN), plain_cnn("cnn", CNN)):
        params, stats = train(graph, unit(train_x), train_y)
        rates = [accuracy(graph, params, stats, unit(x), y) for x, y in ((train_x, train_y), (test_x, test_y))]
        count = sum(value.size for value in params.values())
        print(f"{graph.name}: {count} parameters, accuracy {rates[0]:.2%} on training, {rates[1]:.2%} on test images")
        onnx.save(to_onnx(graph, params, stats), str(folder / f"{graph.name}.onnx"))


# Base channels, multipliers into stages 2 and 3, blocks of each stage.
HRN = (3, (6, 3), (1, 1, 1))
# Channels of the three convolutions.
CNN = (8, 16, 32)

if __name__ == "__main__":
    main()
