"""The image that KFP asks of each component; a pipeline gives each task the one it needs."""

from importlib.metadata import version

CORE = f"mizzen/core:{version('mizzen')}"
