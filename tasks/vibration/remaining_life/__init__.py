"""Remaining useful life: estimates with intervals, the baselines that they must beat, and the published score."""
