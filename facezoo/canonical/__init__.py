"""The canonical state: names, layouts and initial values of tensors, the same on both backends."""
