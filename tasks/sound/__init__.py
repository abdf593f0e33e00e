"""Clips of machine sound, learnt from normal clips only: MIMII, DCASE 2020."""
