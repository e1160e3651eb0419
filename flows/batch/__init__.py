"""Batch runs: many documents of an archive in few runs, from and to folders or a bucket."""
