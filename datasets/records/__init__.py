"""What the readers give: snapshots of signal, series on a grid, clips of sound, and what is known of how runs ended."""
