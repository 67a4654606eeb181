"""Where the cluster of the tests comes from: a node of our own, kind, or the one at hand."""
