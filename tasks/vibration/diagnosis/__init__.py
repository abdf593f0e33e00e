"""Which element of a bearing fails, how sure that is, and from which lines of the envelope spectrum."""
