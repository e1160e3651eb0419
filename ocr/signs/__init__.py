"""Signs that Tesseract's Vietnamese model does not know, or loses where they stand alone."""
