#!/usr/bin/env python3
"""Writes the training images of configs/digits: what is left of scikit-learn's handwritten digits without the test images.

    python3 -m venv venv && venv/bin/pip install scikit-learn
    venv/bin/python tests/python/digits_training_set.py configs/digits train/data

Run once; what it wrote is committed. The split is that of train_digits.py, and the script checks it against the test and calibration
images in the first folder. Written into the second:
  train-images.npy    uint8 [1437, 1, 8, 8], value 255 is full ink; the first 128 are the calibration images
  train-labels.npy    uint8 [1437]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

# As in train_digits.py.
SEED = 7


def main():
    committed, folder = map(Path, sys.argv[1:])
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.uint8)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=360, random_state=SEED, shuffle=True, stratify=labels)
    calibration = np.load(committed / "calibration-images.npy")
    assert (test_x == np.load(committed / "test-images.npy")).all()
    assert (test_y == np.load(committed / "test-labels.npy")).all()
    assert (train_x[:len(calibration)] == calibration).all()
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "train-images.npy", train_x)
    np.save(folder / "train-labels.npy", train_y)


if __name__ == "__main__":
    main()
