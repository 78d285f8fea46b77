"""Reading one image from whatever people have: the only place that decodes pixels."""
