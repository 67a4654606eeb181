"""The jobs of a cluster: processes with a place and the name of a project."""
