"""Features of sound clips, batched and compiled, and the plain way that they must agree with."""
