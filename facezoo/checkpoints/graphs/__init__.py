"""ONNX files as networks of the zoo: read, cut into steps, recognised by their topology."""
