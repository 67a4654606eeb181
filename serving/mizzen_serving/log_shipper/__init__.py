"""The sidecar that ships closed segments of the prediction log to an object store."""
