"""Early dips of learning curves from any source: arrays or files in, one answer with its tables out."""
