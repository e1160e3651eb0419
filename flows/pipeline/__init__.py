"""One document, from file to published text."""
