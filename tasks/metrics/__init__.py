"""Figures of merit with their intervals, for classifiers, detectors, alarms and warnings."""
