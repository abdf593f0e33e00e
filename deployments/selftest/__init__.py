"""The faults matrix: every act of the loop's flows times every fault, on real servers; the invariants after each.

matrix.py (which acts, which faults) ─> run.py (one cell after the other) ─> child.py (the flow, disturbed) ─> invariants.py
"""
