"""Tried out, not promised: may change or go. Nothing of the engine imports it."""
