"""Readers by file format: text of signals and tables, sound, archives; files that appear whole or not at all."""
