"""Words on lines -> a document: blocks, footnotes, metadata."""
