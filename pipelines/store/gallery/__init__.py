"""All pictures found again: searched, counted, marked, put into the bin and brought back."""
