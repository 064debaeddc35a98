"""Train a small network on handwritten digits with Keras.

KERAS_BACKEND=torch python examples/frameworks/keras_digits.py     # in a Git repository, with gittrack[keras]
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits

from gittrack.integrations.keras import GittrackCallback

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
model = keras.Sequential(
    [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x / 16,
    y,
    batch_size=64,
    epochs=3,
    validation_split=0.2,
    verbose=0,
    callbacks=[GittrackCallback("digits by keras")],
)
print(f"accuracy {history.history['val_accuracy'][-1]:.3f}")
