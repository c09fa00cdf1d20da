"""Stored vectors: tiers from memory to database, and the bytes they hold."""
