"""Bulk jobs: a file of texts in, a Parquet file of vectors out; what was interrupted goes on where it stopped."""
