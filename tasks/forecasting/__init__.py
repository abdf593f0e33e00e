"""Forecasts of series, judged from rolling origins: ETT, simulated sensors."""
