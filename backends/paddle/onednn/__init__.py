"""oneDNN for training on a CPU: the library inside paddle's wheel, called in the dynamic graph."""
