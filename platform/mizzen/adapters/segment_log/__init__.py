"""The prediction log as append-only segment files; see docs/explanation/prediction-log.md."""
