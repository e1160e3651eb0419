"""The list of recipients: its items, without what the pen and the seal left beside them.

Whoever signs or files a paper writes into this list: a number of copies, initials, a stroke that ends in it; and the
seal's rim reaches into its lines. A brace may join some items to a remark: "} Website".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from normalize.document import Block
from normalize.structure.lines import SetLine, join_lines
from normalize.vietnamese.decree30 import is_recipients_head, is_remark_on_recipients
from ocr.page import Line, Word, hull, of_words

#: What begins an item of a list of recipients, and what Tesseract reads for it.
DASHES = tuple("-–—~=+*•")
#: What closes an item.
_CLOSING = (";", ".")
#: What is read behind a recipient's closing sign with less confidence is the pen's; so is what is no word, below the
#: second. On 39 papers print that was no word had 91 and more there, pens 79 at most.
_PEN, _SURE_SIGN = 35.0, 85.0
#: The rim of a seal is read as so many letters, at most.
_RIM_LETTERS = 3
#: In heights of a capital: digits that are further from the type of their line are a pen's (`facts.values`).
_UNEVEN = 0.1
#: Initials of who typed the paper, "ThTùng", "XH.", “HT”, and letters in general.
_WORD = re.compile(r"(?:[“\"(]?[^\W\d_]+|[^\W\d_]+\)|“[^\W\d_]+”|\"[^\W\d_]+\"|\([^\W\d_]+\))[.,;:]*")
#: A sign that closes an item, and what the pen left close behind it.
_GLUED = re.compile(r"(?<=\w[.;])(?=[^\w”\")]|_)|(?<=\)[.;])(?=.)|(?<=[\w).;])(?=[—–_=~-]{2,}$)")
#: A stroke of the pen that begins in an item, as it is read.
_STROKE = re.compile(r"[—–_=~-]{2,}")
#: A brace spans two lines at least: so many x-heights, and so many heights of the words beside it.
_BRACE_HEIGHT, _BRACE_TO_WORDS = 3.0, 1.7
#: In x-heights: how far below an item its next line stands, and how far from where it begins, at most.
_NEXT_LINE, _INDENT = 4.0, 4.0
_BRACES = ("}", "{", "]", "[", ")", "(", "ƒ", "|", "/", "J", "j", "ị", "Ị", "Ï", "ï", "}.", "};")


def parted(line: Line) -> list[Line]:
    """A line cut at a brace that joins it to others: the item, and the brace with the remark behind it."""
    words = [piece for word in line.words for one in _with_brace_apart(word) for piece in _with_pen_apart(one)]
    usual = max(_BRACE_HEIGHT * line.x_height, _BRACE_TO_WORDS * median(word.box.height for word in words))
    at = next((n for n, word in enumerate(words) if n and _is_brace(word, usual)), None)
    if at is None:
        return [of_words(line, words)]
    brace = replace(words[at], text="}", letters=())
    return [of_words(line, words[:at]), of_words(line, [brace, *words[at + 1 :]])]


def _is_brace(word: Word, tallest: float) -> bool:
    return word.text == "}" or (word.text in _BRACES and word.box.height > tallest)


def _with_brace_apart(word: Word) -> tuple[Word, ...]:
    """A word, the brace that was read at its end as a word of its own."""
    if len(word.text) < 2 or not word.text.endswith("}") or "{" in word.text:
        return (word,)
    return _cut(word, len(word.text) - 1)


def _cut(word: Word, at: int) -> tuple[Word, ...]:
    """The two pieces of a word; the word where it is not known which of its letters stands where."""
    if [letter.text for letter in word.letters] != list(word.text) or word.raised:
        return (word,)
    cut = word.box.left + round(word.box.width * at / len(word.text))
    first = replace(word, text=word.text[:at], box=word.box._replace(right=cut), letters=word.letters[:at])
    rest = replace(word, text=word.text[at:], box=word.box._replace(left=cut), letters=word.letters[at:])
    return first, rest


def without_pen(line: Line) -> Line:
    """A recipient's line without what the pen or the seal left at its end."""
    words = line.words
    end = next((at for at, word in enumerate(words, 1) if _ends_before(word, words[at:])), len(words))
    while end > 1 and _is_surely_pens(words[end - 1]):
        end -= 1
    while is_remark_on_recipients(line.text) and end > 1 and not any(c.isalnum() for c in words[end - 1].text):
        end -= 1
    return of_words(line, words[:end]) if end < len(words) else line


def _ends_before(word: Word, rest: Sequence[Word]) -> bool:
    """Whether an item ends with a word, and what stands behind that is the pen's or the rim's of a seal."""
    if word.text.endswith(":"):  # a semicolon that the rim of a seal runs into, maybe
        unread = sum(c.isalnum() for other in rest for c in other.text) <= _RIM_LETTERS
        return unread and all(other.confidence < _PEN for other in rest)
    return word.text.endswith(_CLOSING) and all(map(_is_pens, rest))


def _with_pen_apart(word: Word) -> tuple[Word, ...]:
    """A word, what the pen wrote close behind its closing sign as a word of its own: "(5b).é#Q"."""
    glued = _GLUED.search(word.text)
    if glued is None or _is_word(word.text[glued.start() :]):
        return (word,)
    return _cut(word, glued.start())


def _is_word(text: str) -> bool:
    return bool(_WORD.fullmatch(text))


def _is_pens(word: Word) -> bool:
    """Whether what stands behind a closing sign is no print."""
    return word.confidence < _PEN or not (_is_word(word.text) or _is_number(word))


def _is_number(word: Word) -> bool:
    """Whether a word is a printed number: "(5b).", "02"."""
    counted = bool(re.search(r"\d", word.text)) and not re.search(r"[^\w().,;/-]", word.text)
    return counted and word.uneven <= _UNEVEN and not word.doubted and word.confidence >= _SURE_SIGN


def _is_surely_pens(word: Word) -> bool:
    """Whether a word is the pen's wherever it stands: a stroke, or digits that do not stand as print does."""
    if _STROKE.fullmatch(word.text):
        return True
    by_hand = word.uneven > _UNEVEN and word.doubted
    return by_hand and not _is_word(word.text) and "(" not in word.text


def goes_on(above: Line, line: Line) -> bool:
    """Whether a line carries on the item that the line above it ends: it is not closed, and stands right above."""
    size = max(above.x_height, line.x_height)
    near = line.baseline - above.baseline < _NEXT_LINE * size and abs(line.box.left - above.box.left) < _INDENT * size
    return near and not above.text.endswith(_CLOSING)


def blocks(lines: Sequence[SetLine]) -> Iterator[Block]:
    """ "Nơi nhận:" and its list, an item a block: a line without a dash goes on with the item above it."""
    items: list[list[SetLine]] = []
    remarks: list[SetLine] = []
    dashed = sum(line.text[:1] in DASHES for line in lines)
    for line in lines:
        above = items[-1][-1].text if items else ""
        goes_on = line.text[:1] not in DASHES and above[:1] and not is_recipients_head(above)
        if is_remark_on_recipients(line.text):
            remarks.append(line)
        elif goes_on and dashed > 1 and not above.endswith(_CLOSING):
            items[-1].append(line)
        else:
            items.append([line])
    for item in [*items, *([remark] for remark in remarks)]:
        yield Block(
            "recipients",
            join_lines([line.tokens for line in item]),
            item[0].page,
            box=hull([line.box for line in item]),
        )


def is_trace(line: Line) -> bool:
    """Whether a line is a brace without a remark."""
    return is_remark_on_recipients(line.text) and not any(c.isalnum() for c in line.text)
