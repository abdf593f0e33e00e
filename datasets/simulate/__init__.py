"""Simulated machines, in the publishers' own formats and with known faults."""
