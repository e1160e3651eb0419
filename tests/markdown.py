"""Markdown as a reader's program shows it, and words that are full of what lives in it."""

from __future__ import annotations

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token as Shown

READER = MarkdownIt("commonmark", {"linkify": True, "html": True}).enable(["table", "strikethrough", "linkify"])
"""CommonMark and what most programs add to it; it makes links even of bare names of hosts."""

LIVE = [
    *("*", "**", "_", "__", "~", "~~", "`", "```", "\\", "[", "](", "]", "![", "(", ")", "<", ">", "<b>", "</b>"),
    *("<!--", "<script>", "<img src=x>", "&amp;", "&#42;", "&lt", "|", "||", "---", "-", "+", "1.", "12)", "#", "##"),
    *("http://x.vn/a_b_c", "HTTPS://x.vn", "ftp://x.vn", "www.x.vn", "x.gov.vn", "a@b.vn", "mailto:a@b.vn", "//x.vn"),
    *("[^1]", "[^2]:", "[x]: http://y.vn", "[ ]", "$x$", "$100", ":-:", "C:\\Users\\a", "\\\\server\\share", "'", '"'),
    *("Điều", "1", "5.000", "02/NĐ-CP", "(sau", "a", "x", "^", "{", "}", "!", ":", ";", "xmpp:a@b.vn", "tel:1"),
    *("=", "==="),
]

SIGNS = st.sampled_from(LIVE) | st.characters(codec="utf-8", exclude_categories=["C", "Z"])
WORDS = st.lists(
    st.lists(SIGNS, min_size=1, max_size=4).map(lambda signs: "".join("".join(signs).split())), min_size=1, max_size=6
)


def shown(markdown: str) -> tuple[str, set[str]]:
    """What a program shows of Markdown, and the kinds of what is not plain text."""

    def within(tokens: list[Shown]) -> tuple[str, set[str]]:
        text, kinds = "", set()
        for one in tokens:
            if one.type in ("text", "text_special"):
                text += one.content
            elif one.type == "inline":
                inner, more = within(one.children or [])
                text, kinds = text + inner, kinds | more
            elif one.type in ("td_close", "th_close"):
                text += "\t"
            elif one.type in ("code_inline", "fence"):
                text, kinds = text + one.content, {*kinds, one.type}
            else:
                kinds.add(one.type.removesuffix("_open").removesuffix("_close"))
        return text, kinds

    return within(READER.parse(markdown))
