"""What reads the prompt and asks the network: one file for each architecture."""
