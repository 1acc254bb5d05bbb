"""Pictures on the disk, with their recipes; the files are the truth and the index is made from them."""
