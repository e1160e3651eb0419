"""The Prefect server, and which service runs on a set of folders."""
