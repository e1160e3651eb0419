"""Pixels to words: the first room.

Reads a page of a scan and returns plain records (:mod:`ocr.page`) of words on lines with boxes, confidence and the
letters that competed for each letter. Knows no Vietnamese beyond ``-l vie`` and never touches Prefect.
"""
