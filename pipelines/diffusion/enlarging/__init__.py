"""Networks that enlarge pictures: ours, and ESRGAN files."""
