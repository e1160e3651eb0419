"""A reader of our own for printed lines under a seal or a stroke of the pen, which Tesseract loses."""
