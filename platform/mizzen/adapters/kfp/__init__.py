"""Kubeflow Pipelines' compiler. The DSL itself is imported where pipelines are written."""
