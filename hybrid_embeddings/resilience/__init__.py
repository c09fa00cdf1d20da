"""What keeps a failing part from taking the rest with it."""
