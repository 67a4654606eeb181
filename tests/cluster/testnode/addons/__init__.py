"""What is installed on a node beyond Kubernetes, by the charts and manifests of its makers."""
