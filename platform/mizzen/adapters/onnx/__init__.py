"""ONNX: torch models exported, checked and served without torch."""
