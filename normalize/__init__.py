"""Words on lines to a clean Vietnamese document: the second room.

Paragraphs, footnotes, metadata, repair and the published formats. Never sees pixels, never touches Prefect;
of :mod:`ocr` it knows only the records of :mod:`ocr.page`.
"""
