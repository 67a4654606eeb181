"""Projects that `mizzen init` starts from; each folder is one, `__NAME__` stands for the name."""
