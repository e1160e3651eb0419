"""Misread letters and tone marks put right, on the record."""
