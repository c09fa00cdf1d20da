"""Whether the sources bear out what an answer says."""
