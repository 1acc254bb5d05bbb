"""Files from strangers become safe ones: pickles are converted and files fetched in child processes with limits."""
