"""The small raised signs: found, taken out of the page, and put back between two letters."""
