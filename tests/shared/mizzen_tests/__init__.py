"""What several folders of tests need. pytest puts this package's folder on the import path."""
