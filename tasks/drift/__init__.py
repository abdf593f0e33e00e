"""Has the world moved away from what the champion learnt, and what is to be done about it?

    reference, window -> compare  -> DriftReport   Evidently's numbers against thresholds that hold the stated rate
    verdicts so far   -> sustained                 N of the last M windows, and the latest
    all evidence      -> triage   -> Verdict       data fault, sensor fault, degradation, operating change, or none
    spans of alarms   -> learnable_rows            what a retraining may learn from

Pure functions; Evidently is imported when a report is made, not before.
"""
