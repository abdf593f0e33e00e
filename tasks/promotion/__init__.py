"""Promotion: is the challenger better, does it still see every past failure, and who moved the alias, when and why.

compare ─┐
library ─┼─> decide ──> carry_out ── intent row ─> alias moves ─> outcome row
smoke   ─┘
"""
