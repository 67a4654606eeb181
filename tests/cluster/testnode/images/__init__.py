"""Images without a registry: built by buildah (`store`), moved to a node layer by layer."""
