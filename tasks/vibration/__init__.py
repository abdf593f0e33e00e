"""The steps of the vibration gauntlets (NASA IMS, XJTU-SY, FEMTO) as pure functions; what differs is `SETS`."""
