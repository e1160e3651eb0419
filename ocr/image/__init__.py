"""The page image made level, even and clean."""
