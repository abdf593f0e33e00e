"""Runs of several sensors, each with a healthy beginning to learn from: SKAB."""
