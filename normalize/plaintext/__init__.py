"""Text of another OCR engine -> a document."""
