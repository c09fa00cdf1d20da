"""Who computes what, and when: lanes pull batches that fit them from one shared queue."""
