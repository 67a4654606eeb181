"""A real Kubernetes node for the tests, on a machine without Docker and without a registry.

Read in this order: `parts` (what is needed), `build` (where it comes from), `plan` (what
runs, with which settings), `box` and `supervisor` (the namespaces it runs in), `node` (up and
down), `images` and `addons` (what is put on it), `providers` (kind or a cluster at hand instead).
"""
