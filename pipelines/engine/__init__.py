"""Jobs: who waits, who runs, what survives the end of the process."""
