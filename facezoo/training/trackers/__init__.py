"""Where a run is shown beside its own log: TensorBoard, Weights & Biases, MLflow, VisualDL."""
