"""A result as a page, as tables and as pictures, the same for every gauntlet."""
