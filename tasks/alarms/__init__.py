"""From a score to an alarm: smoothed, past a limit, sustained, cleared with hysteresis; causal throughout."""
