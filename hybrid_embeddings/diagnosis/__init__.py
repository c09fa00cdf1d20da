"""What is wrong with an installation, and what to do about it. Checks change nothing but the prepared model."""
