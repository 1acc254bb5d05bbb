"""The models on an artist's disk: what each file is, where it lies, what is noted beside it, and which are loaded."""
