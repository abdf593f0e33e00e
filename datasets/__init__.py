"""One module per data set: what it is (`SPEC`), how to `fetch`, `read` and `simulate` it."""
