"""Models: where their files are, what they want, and the lanes that run them."""
