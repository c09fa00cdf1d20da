"""Answers without a language model, put together out of facts and sources."""
