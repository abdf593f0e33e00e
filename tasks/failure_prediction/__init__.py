"""Sensors over time and failures to warn of: the Kaggle pump."""
