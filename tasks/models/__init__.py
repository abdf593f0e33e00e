"""Every class that is pickled into a registered model; the paths of these modules are a promise."""
