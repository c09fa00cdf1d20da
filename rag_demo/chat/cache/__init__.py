"""Answers that are kept for questions that ask the same."""
