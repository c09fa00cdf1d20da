"""Measures whether retrieval finds what it should: questions with known answers, figures, intervals."""
