"""Torch models on tables: tensors sliced by index, safetensors, no pickle."""
