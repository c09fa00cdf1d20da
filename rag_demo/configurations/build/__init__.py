"""Writes the demo configuration in Designer XML and in EDT form from one description."""
