"""From passages to an answer that says where it comes from."""
