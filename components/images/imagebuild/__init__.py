"""Builds Mizzen's images out of the tree: `make images`. See ../README.md."""
