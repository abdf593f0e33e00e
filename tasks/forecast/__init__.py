"""Forecasts of series: models behind one interface, judged from rolling origins.

    model.ahead(history (n, lookback), last (n,) times, horizon) -> (n, horizon)

A model is given the values up to an origin and nothing after it, so that none can see what it is to forecast.
"""
