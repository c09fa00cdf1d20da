"""Where documents are kept and found again: vectors, words, and the documents themselves."""
