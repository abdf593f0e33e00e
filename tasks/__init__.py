"""What a gauntlet does, step by step: a folder for each kind of data, and the rooms that they share."""
