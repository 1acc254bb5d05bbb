"""Files on the disk: written whole or not at all, and read within bounds where a stranger made them."""
