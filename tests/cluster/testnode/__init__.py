"""A real Kubernetes node for the tests, on a machine without Docker and without a registry.

Read in this order: `building` (what is needed, and where it comes from), `node` (its programs, the
namespaces they run in, up and down), `images` and `addons` (what is put on it), `providers` (kind,
or a cluster at hand, instead).
"""
