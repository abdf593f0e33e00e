"""The registry: what a model version is made of, how it is signed, found, loaded and given its alias."""
