"""Imported before anything that needs PyTorch, so that its absence is explained."""

from neuro.errors import require

require("torch", "train")
