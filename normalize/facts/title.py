"""The type of a document and its subject: the title, wherever it stands.

A title is centred on the page it was set on, and need not be on the page that was scanned: a photo, a shifted scan or a
stamp beside it move it. What tells it is that it stands between the letterhead and the text, in capitals, and names a
type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from normalize.document import Block, Tokens
from normalize.facts.letterhead import share_of_capitals
from normalize.facts.values import NOTHING, Value, plain_text
from normalize.vietnamese import decree30

#: The title stands within so many blocks after the letterhead.
_WITHIN = 12
#: In letters: a longer block is text.
_LONGEST_SUBJECT = 400
#: So many blocks may stand between the type and its subject: what a stamp left there.
_STRANGERS = 3
_CAPITALS = 0.8
_OF_A_BODY = re.compile(r"của\s", re.IGNORECASE)
#: Of lines of the subject, in heights of the type's line: how far their middles lie apart, what is between two of them
#: at most, and how high two are.
_OFF_MIDDLE, _CLOSE, _TWO_LINES = 0.7, 0.8, 3.0
_MAY_BE_TITLES = ("paragraph", "heading", "list_item")
_NEVER_TITLES = ("table", "recipients", "signature", "missing")


@dataclass(frozen=True, slots=True)
class Title:
    """Type and subject.

    Attributes:
        blocks: the blocks that are the title, counted through those asked about.
    """

    kind: Value = NOTHING
    subject: Value = NOTHING
    blocks: tuple[int, ...] = ()


def title(blocks: Sequence[Block], symbol: str | None) -> Title:
    """Type and subject of a document; where no line is a type and none says "V/v", the title is the subject.

    Args:
        blocks: of that document.
    """
    opening = _opening(blocks)
    found = (
        _type_on_its_own(blocks, opening)
        or _leading_type(blocks, opening)
        or _letter(blocks, opening)
        or _enacted(blocks)
        or _by_symbol(blocks, opening, symbol)
    )
    if found:
        return found
    first = next((at for at in opening if blocks[at].type == "title"), None)
    return Title() if first is None else Title(subject=_value(blocks[first]), blocks=(first,))


def _value(block: Block) -> Value:
    return Value(plain_text(block).strip(" ."), block.tokens)


def _opening(blocks: Sequence[Block]) -> list[int]:
    """The blocks from the letterhead on until the text begins."""
    out: list[int] = []
    after = 0
    for at, block in enumerate(blocks):
        if block.page != blocks[0].page or after >= _WITHIN:
            break
        if block.type != "letterhead":
            after += 1
            if _begins_text(block) or block.type in ("recipients", "signature"):
                break
        if block.type not in _NEVER_TITLES:
            out.append(at)
    return out


def _begins_text(block: Block) -> bool:
    text = plain_text(block)
    if decree30.is_addressee(text):
        return True
    # A subject may begin so as well, "Thực hiện Nghị quyết ...", and is centred then; or in small letters it goes on.
    return block.type != "title" and text[:1].isupper() and decree30.begins_text(text)


def _type_on_its_own(blocks: Sequence[Block], opening: Sequence[int]) -> Title | None:
    """The type from a line that is nothing else, and the subject from the blocks after it."""
    for name in (decree30.document_type, decree30.misread_document_type):
        for at in opening:
            text = plain_text(blocks[at])
            kind = name(text)
            if kind and share_of_capitals(text) >= _CAPITALS and not text.endswith(":"):
                return _with_subject(blocks, at, Value(kind, blocks[at].tokens))
    return None


def _leading_type(blocks: Sequence[Block], opening: Sequence[int]) -> Title | None:
    """Type and subject in one: "KẾ HOẠCH PHÁT TRIỂN ...", "BIÊN BẢN HỌP ...", "NGHỊ QUYẾT CỦA QUỐC HỘI"."""
    for at in opening:
        block = blocks[at]
        capitals = takewhile(lambda token: share_of_capitals(token.text) >= _CAPITALS, block.tokens)
        text = " ".join(token.text for token in capitals)
        kind = decree30.leading_document_type(text + " ")
        if kind and block.type != "letterhead" and len(plain_text(block)) <= _LONGEST_SUBJECT:
            return _parted(blocks, at, kind)
    return None


def _parted(blocks: Sequence[Block], at: int, kind: str) -> Title:
    """A title that begins with its type, and its subject: what follows in it, or what stands below it as "Về việc"."""
    words = len(kind.split())
    own, rest = blocks[at].tokens[:words], blocks[at].tokens[words:]
    below = _with_subject(blocks, at, Value(kind, own))
    subject = " ".join(token.text for token in rest)
    # The body that resolved, which the letterhead names, is no subject.
    if not subject or _OF_A_BODY.match(subject) or decree30.begins_about(below.subject.text or ""):
        return below
    more = [blocks[i] for i in below.blocks if i != at and plain_text(blocks[i]).isupper()]
    tokens = (*rest, *(token for one in more for token in one.tokens))
    return replace(below, subject=Value(" ".join([subject, *map(plain_text, more)]).strip(" .") or None, tokens))


def _with_subject(blocks: Sequence[Block], at: int, kind: Value) -> Title:
    """A type with the subject that stands below it."""
    # "NGHỊ QUYẾT / CỦA QUỐC HỘI": the body that the letterhead names too.
    named = list(takewhile(lambda i: _names_body(blocks[i]), range(at + 1, len(blocks))))
    found = _lines_of_subject(blocks, at, at + 1 + len(named))
    lines = [_without_remark(blocks[i]) for i in found]
    texts = [re.sub(r"^\W+", "", " ".join(token.text for token in line)) for line in lines]
    tokens: Tokens = tuple(token for line in lines for token in line)
    return Title(kind, Value(" ".join(texts).rstrip(" .") or None, tokens), (at, *named, *found))


def _lines_of_subject(blocks: Sequence[Block], at: int, start: int) -> list[int]:
    """The blocks that are the subject below a type, the first of them after what a stamp left there."""
    found: list[int] = []
    strangers = 0
    for index in range(start, len(blocks)):
        block = blocks[index]
        set_like = bool(found) and _is_set_like(blocks[at], blocks[found[-1]], block)
        if _ends_title(blocks[at], block, set_like) or strangers > _STRANGERS:
            break
        below = _is_below(blocks[at], block) and bool(_without_remark(block))
        if below and (not found or set_like or _goes_on(blocks[found[-1]], block)):
            found.append(index)
        elif found:
            break
        else:
            strangers += 1
    return found


def _without_remark(block: Block) -> Tokens:
    """The words of a block without a remark in brackets that it begins with: "(Ban hành kèm theo ...)"."""
    if not block.tokens or not block.tokens[0].text.startswith("("):
        return block.tokens
    end = next((at for at, token in enumerate(block.tokens, 1) if ")" in token.text), len(block.tokens))
    return block.tokens[end:]


def _names_body(block: Block) -> bool:
    return block.type == "title" and bool(_OF_A_BODY.match(plain_text(block)))


def _ends_title(kind: Block, block: Block, set_like: bool) -> bool:
    """Whether the title is over: the text begins, or the body that decides is named.

    Args:
        set_like: the block is set as the lines of the subject are, which text may begin as: "Ngày Thầy thuốc".
    """
    text = plain_text(block)
    by_body = share_of_capitals(text) >= _CAPITALS and (decree30.names_office(text) or decree30.begins_body(text))
    return (
        block.page != kind.page
        or block.type in (*_NEVER_TITLES, "letterhead")
        or (_begins_text(block) and not set_like)
        or (by_body and not decree30.leading_document_type(text))
        or text.endswith((":", ";"))
        or len(text) > _LONGEST_SUBJECT
        or bool(decree30.heading_level(text) and block.type != "title" and text[:1].isalnum())
    )


def _is_below(kind: Block, block: Block) -> bool:
    """Whether a block stands under the type, and not beside that as a stamp does."""
    return kind.box is None or block.box is None or block.box.left <= kind.box.x <= block.box.right


def _goes_on(above: Block, block: Block) -> bool:
    """Whether a block carries on the subject above it, by what is said."""
    text = re.sub(r"^\W+", "", plain_text(block))
    if above.type != "title" and plain_text(above).endswith("."):
        return False
    if block.type == "title" and above.type == "title":
        return True
    return text[:1].islower() or (text[:1].isdecimal() and block.type == "title") or _is_unfinished(plain_text(above))


def _is_set_like(kind: Block, above: Block, block: Block) -> bool:
    """Whether a block is a line or two, right below the subject and in the middle as that or the type is."""
    closed = plain_text(block).endswith((".", ",")) or (above.type != "title" and plain_text(above).endswith("."))
    if kind.box is None or above.box is None or block.box is None or closed:
        return False
    line = kind.box.height
    return (
        min(abs(block.box.x - kind.box.x), abs(block.box.x - above.box.x)) <= _OFF_MIDDLE * line
        and block.box.top - above.box.bottom <= _CLOSE * line
        and block.box.height <= _TWO_LINES * line
    )


def _is_unfinished(text: str) -> bool:
    """Whether a line must go on, by its last word."""
    return text.split()[-1].lower().strip(",") in ("và", "của", "về", "cho", "với", "tại", "phận", "-", "–", "các")


def _letter(blocks: Sequence[Block], opening: Sequence[int]) -> Title | None:
    """A letter has no type printed: it is told by "V/v", or else by whom it is addressed to.

    Its subject goes on below "V/v" in the same column.
    """
    addressee = next((b for b in blocks[: len(opening) + 1] if decree30.is_addressee(plain_text(b))), None)
    start = next((at for at in opening if decree30.begins_about(plain_text(blocks[at]))), None)
    if start is None or (blocks[start].type != "letterhead" and addressee is None):  # of a decision, maybe
        return Title(Value(decree30.LETTER, addressee.tokens)) if addressee else None
    own = [start, *takewhile(lambda at: not _ends_about(blocks[at]), (at for at in opening if at > start))]
    text = " ".join(plain_text(blocks[at]) for at in own)
    text = re.sub(r"^\W*(V/v|Về việc)\W*", "", text, flags=re.IGNORECASE)
    tokens: Tokens = tuple(token for at in own for token in blocks[at].tokens)
    return Title(Value(decree30.LETTER, tokens[:1]), Value(text.rstrip(" .") or None, tokens))


def _ends_about(block: Block) -> bool:
    """Whether a line belongs to the other column, and not to the subject of a letter above it."""
    text = plain_text(block)
    return decree30.is_motto(text) or decree30.bears_date(text) or text.isupper() or len(text) > _LONGEST_SUBJECT


def _enacted(blocks: Sequence[Block]) -> Title | None:
    """The type from the line that enacts: "QUYẾT ĐỊNH:"; its title could not be read."""
    for block in blocks:
        text = plain_text(block)
        if text.isupper() and text.endswith(":") and (kind := decree30.document_type(text)):
            return Title(Value(kind, block.tokens))
    return None


def _by_symbol(blocks: Sequence[Block], opening: Sequence[int], symbol: str | None) -> Title | None:
    """The type that the symbol names, for a page whose title could not be read."""
    kind = decree30.TYPES_BY_CODE.get(re.split(r"[-/]", symbol)[0]) if symbol else None
    if symbol is None or kind is None:
        return None
    line = next((block for block in blocks if symbol.split("-")[0] in plain_text(block)), blocks[0])
    first = next((at for at in opening if blocks[at].type == "title"), None)
    subject = NOTHING if first is None else _value(blocks[first])
    return Title(Value(kind, line.tokens), subject, () if first is None else (first,))


def titled(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of one document, its title called so wherever it stands on the page."""
    own = set(title(blocks, None).blocks)
    return tuple(
        replace(block, type="title", level=0) if at in own and block.type in _MAY_BE_TITLES else block
        for at, block in enumerate(blocks)
    )
