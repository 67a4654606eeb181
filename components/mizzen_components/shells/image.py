"""The image in which a step runs on a cluster, until a profile names another."""

from importlib.metadata import version

CORE = f"mizzen/core:{version('mizzen')}"
