"""Networks outside of torch, in a child process that may die: torch is their judge and takes over from them."""
