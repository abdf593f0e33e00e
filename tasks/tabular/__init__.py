"""Tables whose rows stand alone, with a label: AI4I."""
