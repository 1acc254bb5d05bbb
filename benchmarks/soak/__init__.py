"""Attacks on a running studio as a stranger would make them, each with what it costs and what is answered."""
