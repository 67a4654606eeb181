"""MLflow: pages of runs, and the registry of model versions. Nothing is pickled or reported."""
