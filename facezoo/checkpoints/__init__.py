"""Weight files: the project's own format, and the published checkpoints of other projects."""
