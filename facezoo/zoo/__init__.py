"""The catalog of backbones and heads: names, options, construction and cost."""
