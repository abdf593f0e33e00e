"""Forecasters of a series behind one interface: rows of origins and steps in, one forecast per row out."""
