"""What is put right by rule, without the language model's judgement of a whole sentence."""

from __future__ import annotations

import re

from normalize import language
from normalize.document import Document
from normalize.slots import Change, by_rule, cleaned
from normalize.syllable import parse

# Look-alike letters and stray capitals are put right by rule; this is what their corrections carry.
MECHANICAL = 0.99
_FOREIGN = "a letter of another alphabet inside a Vietnamese word"
# One printed Đ that Tesseract read twice, as each of the two letters its alphabet has for it.
_DOUBLE = re.compile("ĐÐ|ÐĐ")


def look_alikes(document: Document, changes: list[Change]) -> list[Change]:
    """Letters of other alphabets in Vietnamese words (Ð for Đ, ĐÐ for Đ), and capitals in a small word (``sỐ``).

    Leaves alone what ``changes`` change already.
    """
    done = {(change.slot.text, change.slot.token) for change in changes}
    out = []
    for text, (_, tokens) in enumerate(document.texts()):
        for index, token in enumerate(tokens):
            word = token.text
            if word.isascii() or (text, index) in done or (cleaned(word) == word and word.islower()):
                continue
            for found in language.WORD.finditer(word):
                start, end = found.span()
                part = cleaned(_DOUBLE.sub("Đ", word[start:end]))
                if part[0].islower() and not part.islower() and not part.isascii() and parse(part) is not None:
                    part = part.lower()
                if part != word[start:end] and not any(start < mark.offset < end for mark in token.marks):
                    stray = word[start:end].lower() == part.lower()
                    reason = "a capital letter inside a small word" if stray else _FOREIGN
                    out.append(by_rule(text, index, token, start, end, part, MECHANICAL, reason))
    return out
