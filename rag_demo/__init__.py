"""A chat over a 1C:Enterprise configuration that runs on premises."""
