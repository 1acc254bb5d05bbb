"""What a job can make: one file, one class, one stream of events."""
