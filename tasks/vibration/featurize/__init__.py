"""Features of vibration snapshots, batched and compiled, and the plain way that they must agree with."""
