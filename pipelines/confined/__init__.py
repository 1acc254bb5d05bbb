"""Child processes for strangers' bytes: what reads them there can cost neither memory, time nor files of ours."""
