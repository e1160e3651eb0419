"""Make scans in layouts that nobody tuned for, with their true text, from two typesetters.

    python -m benchmarks.layouts OUT [--list glued] [--only NAME...]
    python -m benchmarks.evaluate OUT

``benchmarks/layouts/documents.toml`` lists the documents: each is one of the texts beside it (in the format of
sample_scans/source.py) in one layout (:class:`Layout`). Most differ from a plain report in one thing, a few in several.
Besides Typst, LibreOffice sets the pages (``soffice`` must be installed), because footnotes, line spacing and tables
come out differently. The same scans come out of every run, as far as the typesetters are the same.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np
import typst
from pdf2image import convert_from_path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sample_scans.layout import PACKAGES, font_files, typst_lines, typst_string
from sample_scans.make import save
from sample_scans.scan import CONDITIONS
from sample_scans.source import BOLD, MARK, MOTTO, Paragraph, Source, gold, read_source

HERE = Path(__file__).parent / "layouts"
DPI = 300
#: From this centred line on a document is its appendix: on a landscape page after the signature.
APPENDIX = "PHỤ LỤC"
PACKAGES |= {"DejaVu Serif": "fonts-dejavu", "Liberation Sans": "fonts-liberation2"}


@dataclass(frozen=True)
class Layout:
    """How one document is set and scanned. Lengths in mm, type sizes and ``gap`` in pt.

    Attributes:
        source: name of the text.
        typesetter: ``typst`` or ``libreoffice``.
        spacing: of lines; 1 is what word processors call single.
        margins: top, bottom, left, right.
        indent: of a paragraph's first line; 0 for block paragraphs.
        gap: between paragraphs.
        head_size, sign_size: of the letterhead, and of the signature block.
        separator: the rule above the notes: ``short``, ``long`` or ``none``.
        marks: ``number`` (from ``first`` on), ``page`` (anew on each page), ``asterisks`` (``*``, ``**``, ...),
            ``asterisks-page`` (anew on each page) or ``mixed`` (the first and the fourth note have asterisks).
        mark_form, head_form: of a mark in the text and of the number before the note; ``{n}`` is the number.
        head_raised: whether the number before a note is raised.
        mark_place: ``before`` or ``after`` a full stop or comma; ``""`` as in the source.
        note_indent: of the first line of each of a note's paragraphs.
        page_number: ``top-centre``, ``bottom-centre`` or ``bottom-right``; not on the first page.
        page_form: ``{n}`` is the page, ``{all}`` the count of pages.
        running: text of a running header on every page but the first.
        borders: of tables.
        turned: the appendix lies on its side in the scan.
        scan: a condition of sample_scans/scan.py.
        skew: degrees, clockwise; added to what the condition does.
        curl: pixels at 300 dpi by which lines bend.
        salt: share of the pixels that get a speck.
    """

    name: str
    source: str
    typesetter: str
    font: str
    paper: tuple[float, float] = (210, 297)
    margins: tuple[float, float, float, float] = (20, 20, 30, 20)
    size: float = 13
    spacing: float = 1.15
    indent: float = 12.7
    gap: float = 4
    head_size: float = 12
    sign_size: float = 11
    separator: str = "short"
    marks: str = "number"
    first: int = 1
    mark_form: str = "{n}"
    head_form: str = "{n} "
    head_raised: bool = True
    mark_place: str = ""
    note_size: float = 10
    note_font: str = ""
    note_italic: bool = False
    note_indent: float = 0
    page_number: str = "top-centre"
    page_form: str = "{n}"
    running: str = ""
    borders: bool = True
    turned: bool = False
    scan: str = "clean300"
    skew: float = 0
    curl: float = 0
    salt: float = 0


def read_layouts(name: str = "documents") -> list[Layout]:
    """The documents of documents.toml, or of another list beside it."""
    listed = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    return [
        Layout(**{k: tuple(v) if isinstance(v, list) else v for k, v in {**listed["base"], **one}.items()})
        for one in listed["document"]
    ]


def placed(source: Source, place: str) -> Source:
    """The source with the marks that stand beside a full stop or comma before or after it."""
    if not place:
        return source

    def moved(text: str) -> str:
        if place == "after":
            return re.sub(r"(\[\^[^\]]+\])([.,;:])", r"\2\1", text)
        return re.sub(r"([.,;:])(\[\^[^\]]+\])", r"\2\1", text)

    body = tuple(Paragraph(p.kind, moved(p.text), p.rows, p.widths) for p in source.body)
    return Source(source.name, source.head, body, source.notes)


def signs(source: Source, layout: Layout) -> dict[str, str]:
    """The printed sign of each note by its name; empty where the typesetter counts by page."""
    names = MARK.findall(" ".join(p.text for p in source.body))
    if layout.marks == "number":
        return {name: str(layout.first + n) for n, name in enumerate(names)}
    if layout.marks == "asterisks":
        return {name: "*" * (n + 1) for n, name in enumerate(names)}
    if layout.marks == "mixed":
        starred = [names[0], names[3]]
        numbered = [name for name in names if name not in starred]
        return {n: "*" * (starred.index(n) + 1) if n in starred else str(numbered.index(n) + 1) for n in names}
    return dict.fromkeys(names, "")


def runs(text: str) -> Iterator[tuple[str, bool, str]]:
    """A text as ``(words, whether bold, "")`` and ``("", whether bold, name of a note)``."""
    for k, part in enumerate(BOLD.split(text)):
        for j, piece in enumerate(MARK.split(part)):
            if piece:
                yield ("", bool(k % 2), piece) if j % 2 else (piece, bool(k % 2), "")


def truth(source: Source, layout: Layout) -> dict[str, Any]:
    """The true text of a document, in the format of sample_scans/\\*.gold.json."""
    out: dict[str, Any] = gold(source)
    if layout.marks == "number" and layout.first > 1:
        shift = layout.first - 1
        for block in out["blocks"]:
            block["text"] = MARK.sub(lambda mark: f"[^{int(mark[1]) + shift}]", block["text"])
        out["footnotes"] = {str(int(n) + shift): text for n, text in out["footnotes"].items()}
    # Without a list of recipients nothing tells a scorer where the body ends: then the signature counts as body.
    if not source.all("recipient"):
        texts = [block["text"] for block in out["blocks"]]
        at = texts.index(APPENDIX) if APPENDIX in texts else len(texts)
        signed = [*source.all("sign"), source.one("signer")]
        out["blocks"][at:at] = [{"kind": "signature", "text": line} for line in signed]
    printed = signs(source, layout)
    if all(printed.values()):
        out["footnote_printed"] = dict(zip(out["footnotes"], printed.values(), strict=True))
    return out


# Typst


def typst_pages(source: Source, layout: Layout) -> list[np.ndarray]:
    """The pages as pictures (BGR, 300 dpi)."""
    with tempfile.TemporaryDirectory() as folder:
        families = dict.fromkeys((layout.font, layout.note_font or layout.font))
        for n, file in enumerate(file for family in families for file in font_files(family)):
            (Path(folder) / f"{n}{file.suffix}").symlink_to(file)
        pdf = Path(folder) / "pages.pdf"
        pdf.write_bytes(
            typst.compile(_typst(source, layout).encode(), format="pdf", font_paths=[folder], ignore_system_fonts=True)
        )
        return _pictures(pdf)


def _pictures(pdf: Path) -> list[np.ndarray]:
    return [cv2.cvtColor(np.asarray(page), cv2.COLOR_RGB2BGR) for page in convert_from_path(pdf, dpi=DPI)]


def _typst(source: Source, layout: Layout) -> str:
    top, bottom, left, right = layout.margins
    leading, note_leading = (1.15 * spacing - 0.66 for spacing in (layout.spacing, 1.0))
    where, side = layout.page_number.split("-")
    number = f"here().page() > 1 {{ align({'center' if side == 'centre' else side}, text({layout.size}pt)[#number]) }}"
    number = f"let number = {_page_form(layout.page_form)}; if {number}"
    running = (
        f"if here().page() > 1 {{ text(10pt, {json.dumps(layout.running, ensure_ascii=False)}) }};"
        if layout.running
        else ""
    )
    restart = "counter(footnote).update(0);" if layout.marks.endswith("page") else ""
    rule = {"short": "line(length: 50mm, stroke: 0.6pt)", "long": "line(length: 100%, stroke: 0.6pt)", "none": "none"}
    note_font = layout.note_font or layout.font
    style = "italic" if layout.note_italic else "normal"
    head = "super(sign)" if layout.head_raised else "sign"
    head = head.replace("sign", _around(layout.head_form.strip(), "sign"))
    space = "h(0.3em)" if layout.head_form.endswith(" ") else "[]"
    stars = '(..n) => "*" * n.pos().first()'
    numbering = stars if layout.marks.startswith("asterisks") else '"1"'
    parts = [
        f"""#set page(width: {layout.paper[0]}mm, height: {layout.paper[1]}mm,
  margin: (top: {top}mm, bottom: {bottom}mm, left: {left}mm, right: {right}mm),
  header: context {{ {restart} {running} {number if where == "top" else ""} }},
  footer: context {{ {number if where == "bottom" else ""} }})
#set text(font: "{layout.font}", size: {layout.size}pt, lang: "vi", hyphenate: false, ligatures: false,
  fallback: false)
#set par(justify: true, leading: {leading}em, spacing: {leading}em + {layout.gap}pt,
  first-line-indent: (amount: {layout.indent}mm, all: true))
#set super(typographic: false, size: 0.62em, baseline: -0.38em)
#set footnote(numbering: {numbering})
#set footnote.entry(separator: {rule[layout.separator]}, gap: 0.5em, clearance: 8pt)
#show footnote: it => {{
  let sign = numbering(it.numbering, ..counter(footnote).at(it.location()))
  super({_around(layout.mark_form, "sign")})
}}
#show footnote.entry: it => {{
  set text({layout.note_size}pt, font: "{note_font}", style: "{style}")
  set par(leading: {note_leading}em, spacing: {note_leading}em + 1pt,
    first-line-indent: (amount: {layout.note_indent}mm, all: true))
  let sign = numbering(it.note.numbering, ..counter(footnote).at(it.note.location()))
  [{f"#h({layout.note_indent}mm)" if layout.note_indent else ""}#{{{head}}}#{space}#it.note.body]
}}""",
        _typst_letterhead(source, layout),
    ]
    printed = signs(source, layout)
    before, after = _parted(source)
    parts += [_typst_block(source, layout, paragraph, printed) for paragraph in before]
    parts.append(_typst_signature(source, layout))
    if after:
        parts.append("#pagebreak()\n#set page(flipped: true)")
        parts += [_typst_block(source, layout, paragraph, printed) for paragraph in after]
    return "\n\n".join(parts)


def _around(form: str, variable: str) -> str:
    """``[{n}]`` as an expression of Typst."""
    before, _, after = form.partition("{n}")
    return f'"{before}" + {variable} + "{after}"'


def _page_form(form: str) -> str:
    text = json.dumps(form, ensure_ascii=False)
    return text.replace("{n}", '" + str(here().page()) + "').replace(
        "{all}", '" + str(counter(page).final().first()) + "'
    )


def _parted(source: Source) -> tuple[list[Paragraph], list[Paragraph]]:
    """The body and the appendix."""
    at = next((n for n, p in enumerate(source.body) if p.text == APPENDIX), len(source.body))
    return list(source.body[:at]), list(source.body[at:])


def _typst_inline(source: Source, text: str, printed: dict[str, str]) -> str:
    out = []
    for words, bold, name in runs(text):
        if name:
            note = "\n\n".join(_typst_inline(source, paragraph, printed) for paragraph in source.notes[name])
            sign = f"numbering: (..n) => {json.dumps(printed[name])}, " if printed[name] else ""
            run = f"#footnote({sign}[{note}])"
        else:
            run = typst_string(words)
        out.append(f"#strong[{run}]" if bold else run)
    return "".join(out)


def _typst_block(source: Source, layout: Layout, paragraph: Paragraph, printed: dict[str, str]) -> str:
    if paragraph.kind == "table":
        cells = []
        for n, row in enumerate(paragraph.rows):
            for k, cell in enumerate(row):
                inner = _typst_inline(source, cell, printed)
                inner = inner if n else f"#strong[{inner}]"
                cells.append(f"table.cell(align: {'left' if k == 1 and n else 'center'} + horizon)[{inner}]")
        columns = ", ".join(f"{width}fr" for width in paragraph.widths)
        return (
            f"#block(above: 10pt, below: 10pt)[#set text({min(12, layout.size)}pt)\n"
            "#set par(justify: false, first-line-indent: 0pt, leading: 0.45em)\n"
            f"#table(columns: ({columns}), stroke: {'0.6pt' if layout.borders else 'none'}, inset: 5pt, "
            f"{', '.join(cells)})]"
        )
    text = _typst_inline(source, paragraph.text, printed)
    if paragraph.kind in ("h", "hi"):
        text = f"#strong[{text}]" if paragraph.kind == "h" else f"#strong[#emph[{text}]]"
        return f"#block(sticky: true)[#h({layout.indent}mm){text}]"
    if paragraph.kind == "centre":
        return f"#block(sticky: true, width: 100%, above: 12pt, below: 12pt)[#align(center)[#strong[{text}]]]"
    return f"#emph[{text}]" if paragraph.kind == "italic" else text


def _typst_letterhead(source: Source, layout: Layout) -> str:
    parent = f"{typst_lines(source.all('parent'))} #linebreak()" if source.all("parent") else ""
    left = f"[{parent}#strong[{typst_lines(source.all('agency'))}]]"
    right = f"[#strong[{typst_string(MOTTO[0])} #linebreak() #underline[{typst_string(MOTTO[1])}]]]"
    return (
        f"#[#set text({layout.head_size}pt)\n#set par(justify: false, leading: 0.45em, first-line-indent: 0pt)\n"
        f"#grid(columns: (2fr, 3fr), row-gutter: 8pt, align: center, {left}, {right}, "
        f"[{typst_string(source.one('number'))}], [#emph[{typst_string(source.one('place'))}]])]\n\n#v(10pt)\n"
        f"#align(center)[#set par(justify: false, leading: 0.5em)\n#strong[{typst_lines(source.all('title'))}]\n\n"
        f"#strong[{typst_lines(source.all('subject'))}]]\n\n#v(6pt)"
    )


def _typst_signature(source: Source, layout: Layout) -> str:
    left = ""
    if source.all("recipient"):
        left = f"#strong[#emph[{typst_string('Nơi nhận:')}]] #linebreak() {typst_lines(source.all('recipient'))}"
    right = (
        f"#align(center)[#strong[{typst_lines(source.all('sign'))}\n#v(22mm)\n{typst_string(source.one('signer'))}]]"
    )
    return (
        "#v(8pt)\n#block(breakable: false)[#set par(justify: false, leading: 0.45em, spacing: 6pt, "
        f"first-line-indent: 0pt)\n#grid(columns: (1fr, 1fr), [#set text({layout.sign_size}pt)\n{left}], [{right}])]"
    )


# LibreOffice


def libreoffice_pages(source: Source, layout: Layout) -> list[np.ndarray]:
    """The pages as pictures (BGR, 300 dpi)."""
    font_files(layout.font)
    with tempfile.TemporaryDirectory() as folder:
        flat = Path(folder) / "pages.fodt"
        flat.write_text(_fodt(source, layout), encoding="utf-8")
        # A profile of its own, so that a running LibreOffice neither helps nor hinders.
        command = ["soffice", f"-env:UserInstallation=file://{tempfile.gettempdir()}/layouts-profile", "--headless"]
        command += ["--convert-to", "pdf", "--outdir", folder, str(flat)]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        return _pictures(flat.with_suffix(".pdf"))


_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{rest}"'
    for name, rest in {
        "office": "office:1.0", "style": "style:1.0", "text": "text:1.0", "table": "table:1.0",
        "fo": "xsl-fo-compatible:1.0", "svg": "svg-compatible:1.0",
    }.items()
)  # fmt: skip


def _style(name: str, family: str, properties: str, parent: str = "") -> str:
    inherits = f' style:parent-style-name="{parent}"' if parent else ""
    return f'<style:style style:name="{name}" style:family="{family}"{inherits}>{properties}</style:style>'


def _para(**given: object) -> str:
    return "<style:paragraph-properties " + _attributes(given) + "/>"


def _type(**given: object) -> str:
    return "<style:text-properties " + _attributes(given) + "/>"


def _attributes(given: dict[str, object]) -> str:
    names = {
        "font_name": "style:font-name",
        "text_position": "style:text-position",
        "underline": "style:text-underline-style",
    }
    return " ".join(f'{names.get(k) or "fo:" + k.replace("_", "-")}="{v}"' for k, v in given.items())


def _fodt(source: Source, layout: Layout) -> str:
    left, right = layout.margins[2:]
    width = layout.paper[0] - left - right
    note_font = layout.note_font or layout.font
    body = {"line_height": f"{layout.spacing * 100:.0f}%", "orphans": 2, "widows": 2}
    styles = "".join([
        "<style:default-style style:family=\"paragraph\">",
        _type(font_name="Body", font_size=f"{layout.size}pt", language="vi", country="VN", hyphenate="false"),
        "</style:default-style>",
        _style("Footnote", "paragraph",
               _para(text_align="justify", text_indent=f"{layout.note_indent}mm")
               + _type(font_name="Notes", font_size=f"{layout.note_size}pt",
                       font_style="italic" if layout.note_italic else "normal")),
        _style("Anchor", "text", _type(text_position="super 62%")),
        _style("Head", "text", _type(text_position="super 62%" if layout.head_raised else "0% 100%")),
        _notes_configuration(layout),
    ])  # fmt: skip
    bold, italic = {"font_weight": "bold"}, {"font_style": "italic"}
    plain = {"margin_bottom": f"{layout.gap}pt", "text_align": "justify", "text_indent": f"{layout.indent}mm", **body}
    small = {"margin_bottom": "0pt", "text_align": "center", "line_height": "100%"}
    automatic = "".join([
        _style("p", "paragraph", _para(**plain)),
        _style("italic", "paragraph", _para(**plain) + _type(**italic)),
        _style("h", "paragraph", _para(**plain, keep_with_next="always") + _type(**bold)),
        _style("hi", "paragraph", _para(**plain, keep_with_next="always") + _type(**bold, **italic)),
        _style("centre", "paragraph",
               _para(margin_top="6pt", margin_bottom="6pt", text_align="center") + _type(**bold)),
        _style("head", "paragraph", _para(**small) + _type(font_size=f"{layout.head_size}pt")),
        _style("first", "paragraph", _para(**small) + _type(font_size="2pt")).replace(
            'style:name="first"', 'style:name="first" style:master-page-name="First"'),
        _style("appendix", "paragraph", _para(margin_bottom="6pt", text_align="center") + _type(**bold)).replace(
            'style:name="appendix"', 'style:name="appendix" style:master-page-name="Landscape"'),
        _style("tiny", "paragraph", _para(**small) + _type(font_size="2pt")),
        _style("whole", "table-row", '<style:table-row-properties fo:keep-together="always"/>'),
        _style("cell", "paragraph", _para(**small) + _type(font_size=f"{min(12, layout.size)}pt")),
        _style("cell-left", "paragraph",
               _para(**{**small, "text_align": "left"}) + _type(font_size=f"{min(12, layout.size)}pt")),
        _style("recipient", "paragraph",
               _para(**{**small, "text_align": "left"}) + _type(font_size=f"{layout.sign_size}pt")),
        _style("sign", "paragraph", _para(**small) + _type(**bold)),
        _style("signer", "paragraph", _para(**{**small, "margin_top": "24mm"}) + _type(**bold)),
        _style("number", "paragraph",
               _para(text_align={"centre": "center", "right": "right"}[layout.page_number.split("-")[1]])),
        _style("running", "paragraph", _para(text_align="left") + _type(font_size="10pt")),
        _style("bold", "text", _type(**bold)),
        _style("slant", "text", _type(**italic)),
        _style("under", "text", _type(**bold, underline="solid")),
        _style("free", "table-cell", '<style:table-cell-properties fo:border="none" fo:padding="1mm"/>'),
        _style("ruled", "table-cell",
               '<style:table-cell-properties fo:border="0.6pt solid #000000" fo:padding="1.2mm" '
               'style:vertical-align="middle"/>'),
    ])  # fmt: skip
    tables: list[str] = []
    content = _odf_content(source, layout, width, tables)
    masters = _page_layout(layout, "Plain", False) + _page_layout(layout, "Wide", True)
    header = f'<text:p text:style-name="running">{escape(layout.running)}</text:p>' if layout.running else ""
    number = escape(layout.page_form).replace("{n}", "<text:page-number/>").replace("{all}", "<text:page-count/>")
    number = f'<text:p text:style-name="number">{number}</text:p>'
    top = layout.page_number.startswith("top")
    margins = f"<style:header>{header}{number if top else ''}</style:header>" if header or top else ""
    margins += "" if top else f"<style:footer>{number}</style:footer>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {_NAMESPACES} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.text">'
        f'<office:font-face-decls><style:font-face style:name="Body" svg:font-family="\'{layout.font}\'"/>'
        f'<style:font-face style:name="Notes" svg:font-family="\'{note_font}\'"/></office:font-face-decls>'
        f"<office:styles>{styles}</office:styles>"
        f"<office:automatic-styles>{automatic}{''.join(tables)}{masters}</office:automatic-styles>"
        '<office:master-styles><style:master-page style:name="First" style:page-layout-name="Plain" '
        'style:next-style-name="Standard"/>'
        f'<style:master-page style:name="Standard" style:page-layout-name="Plain">{margins}</style:master-page>'
        f'<style:master-page style:name="Landscape" style:page-layout-name="Wide">{margins}</style:master-page>'
        f"</office:master-styles><office:body><office:text>{content}</office:text></office:body></office:document>"
    )


def _notes_configuration(layout: Layout) -> str:
    before, _, after = layout.head_form.strip().partition("{n}")
    return (
        '<text:notes-configuration text:note-class="footnote" text:citation-style-name="Head" '
        'text:citation-body-style-name="Anchor" text:default-style-name="Footnote" style:num-format="1" '
        f'style:num-prefix="{before}" style:num-suffix="{after}" text:start-value="{layout.first - 1}" '
        'text:footnotes-position="page" '
        f'text:start-numbering-at="{"page" if layout.marks == "page" else "document"}"/>'
    )


def _page_layout(layout: Layout, name: str, flipped: bool) -> str:
    top, bottom, left, right = layout.margins
    width, height = reversed(layout.paper) if flipped else layout.paper
    rule = {"short": ("0.018cm", "30%", "solid"), "long": ("0.018cm", "100%", "solid"), "none": ("0cm", "0%", "none")}
    thick, long, line = rule[layout.separator]
    return (
        f'<style:page-layout style:name="{name}"><style:page-layout-properties fo:page-width="{width}mm" '
        f'fo:page-height="{height}mm" style:print-orientation="{"landscape" if flipped else "portrait"}" '
        f'fo:margin-top="{max(8, top - 8)}mm" fo:margin-bottom="{max(8, bottom - 8)}mm" fo:margin-left="{left}mm" '
        f'fo:margin-right="{right}mm"><style:footnote-sep style:width="{thick}" style:rel-width="{long}" '
        f'style:line-style="{line}" style:color="#000000" style:adjustment="left" '
        'style:distance-before-sep="1mm" style:distance-after-sep="1mm"/></style:page-layout-properties>'
        '<style:header-style><style:header-footer-properties fo:min-height="8mm" fo:margin-bottom="3mm"/>'
        '</style:header-style><style:footer-style><style:header-footer-properties fo:min-height="8mm" '
        'fo:margin-top="3mm"/></style:footer-style></style:page-layout>'
    )


def _odf_inline(source: Source, layout: Layout, text: str, printed: dict[str, str]) -> str:
    out = []
    for words, bold, name in runs(text):
        if name:
            sign = printed[name]
            label = ""
            if layout.mark_form != "{n}" or "*" in sign:  # a sign of its own is printed alike at the mark and the note
                label = f' text:label="{layout.mark_form.format(n=sign)}"'
            notes = [_odf_inline(source, layout, paragraph, printed) for paragraph in source.notes[name]]
            space = "<text:s/>" if layout.head_form.endswith(" ") else ""
            notes[0] = space + notes[0]
            body = "".join(f'<text:p text:style-name="Footnote">{note}</text:p>' for note in notes)
            run = (
                f'<text:note text:note-class="footnote"><text:note-citation{label}>{escape(sign) or "1"}'
                f"</text:note-citation><text:note-body>{body}</text:note-body></text:note>"
            )
        else:
            run = escape(words)
        out.append(f'<text:span text:style-name="bold">{run}</text:span>' if bold else run)
    return "".join(out)


def _odf_content(source: Source, layout: Layout, width: float, tables: list[str]) -> str:
    def lines(style: str, texts: list[str], span: str = "") -> str:
        inner = '<text:span text:style-name="{}">{}</text:span>'
        return "".join(
            f'<text:p text:style-name="{style}">{inner.format(span, escape(t)) if span else escape(t)}</text:p>'
            for t in texts
        )

    def table(rows: list[list[str]], widths: list[float], total: float, cell: str) -> str:
        name = f"t{len(tables)}"
        # fo:width would not do: LibreOffice wants the width of tables in the namespace of styles.
        tables.append(
            _style(name, "table", f'<style:table-properties style:width="{total}mm" table:align="margins"/>')
            + "".join(
                _style(f"{name}.{k}", "table-column",
                       f'<style:table-column-properties style:column-width="{total * w / sum(widths):.2f}mm"/>')
                for k, w in enumerate(widths)
            )
        )  # fmt: skip
        columns = "".join(f'<table:table-column table:style-name="{name}.{k}"/>' for k in range(len(widths)))
        body = "".join(
            '<table:table-row table:style-name="whole">'
            + "".join(f'<table:table-cell table:style-name="{cell}">{inner}</table:table-cell>' for inner in row)
            + "</table:table-row>"
            for row in rows
        )
        return f'<table:table table:name="{name}" table:style-name="{name}">{columns}{body}</table:table>'

    printed = signs(source, layout)

    def block(paragraph: Paragraph, total: float) -> str:
        if paragraph.kind != "table":
            style = {"": "p"}.get(paragraph.kind, paragraph.kind)
            style = "appendix" if paragraph.text == APPENDIX else style
            return f'<text:p text:style-name="{style}">{_odf_inline(source, layout, paragraph.text, printed)}</text:p>'
        rows = []
        for n, row in enumerate(paragraph.rows):
            inner = [_odf_inline(source, layout, cell if n else f"*{cell}*", printed) for cell in row]
            rows.append([
                f'<text:p text:style-name="{"cell-left" if k == 1 and n else "cell"}">{one}</text:p>'
                for k, one in enumerate(inner)
            ])  # fmt: skip
        widths = [float(w) for w in paragraph.widths]
        return table(rows, widths, total, "ruled" if layout.borders else "free") + '<text:p text:style-name="cell"/>'

    head = table(
        [[lines("head", source.all("parent")) + lines("head", source.all("agency"), "bold"),
          lines("head", MOTTO[:1], "bold") + lines("head", MOTTO[1:], "under")],
         [lines("head", [source.one("number")]), lines("head", [source.one("place")], "slant")]],
        [2, 3], width, "free",
    )  # fmt: skip
    before, after = _parted(source)
    recipients = ""
    if source.all("recipient"):
        recipients = lines("recipient", ["Nơi nhận:"], "bold") + lines("recipient", source.all("recipient"))
    signed = lines("sign", source.all("sign")) + lines("signer", [source.one("signer")])
    return (
        '<text:p text:style-name="first"/>' + head + '<text:p text:style-name="cell"/>'
        + lines("centre", source.all("title")) + lines("sign", source.all("subject"))
        + '<text:p text:style-name="cell"/>' + "".join(block(one, width) for one in before)
        + table([[recipients or lines("recipient", [""]), signed]], [1, 1], width, "free")
        + '<text:p text:style-name="tiny"/>'
        + "".join(block(one, width + layout.paper[1] - layout.paper[0]) for one in after)
    )  # fmt: skip


# The scanner


def scanned(page: np.ndarray, layout: Layout, number: int) -> np.ndarray:
    """A page as the scanner sees it; the seed hangs on the document and the page alone."""
    rng = np.random.default_rng(zlib.crc32(f"{layout.name}/{number}".encode()))
    height, width = page.shape[:2]
    if layout.turned and width > height:
        page = np.rot90(page).copy()
        height, width = width, height
    if layout.curl:
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        # The sheet rises towards its left edge: lines sag there, more at the top and bottom than in the middle.
        bend = layout.curl * np.exp(-3 * x / width) * np.cos(np.pi * y / height) + 0.4 * layout.curl * np.sin(
            np.pi * x / width
        )
        page = cv2.remap(page, x, (y + bend).astype(np.float32), cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    if layout.skew:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -layout.skew, 1)
        page = cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    if layout.salt:
        page = page.copy()
        for _ in range(round(layout.salt * height * width / 9)):
            at = int(rng.integers(width)), int(rng.integers(height))
            shade = (int(rng.integers(0, 120)) if rng.random() < 0.5 else 255,) * 3
            cv2.circle(page, at, int(rng.integers(1, 3)), shade, -1, cv2.LINE_AA)
    return CONDITIONS[layout.scan].worsen(page, rng)


def make(layout: Layout, folder: Path) -> Path:
    """Write a document's scan and its true text into the folder."""
    source = placed(read_source(HERE / f"{layout.source}.txt"), layout.mark_place)
    typesetters: dict[str, Callable[[Source, Layout], list[np.ndarray]]] = {
        "typst": typst_pages, "libreoffice": libreoffice_pages,
    }  # fmt: skip
    pages = typesetters[layout.typesetter](source, layout)
    scan = folder / f"{layout.name}.pdf"
    save([scanned(page, layout, n) for n, page in enumerate(pages, 1)], CONDITIONS[layout.scan], scan)
    text = json.dumps(truth(source, layout), ensure_ascii=False, indent=1) + "\n"
    (folder / f"{layout.name}.gold.json").write_text(unicodedata.normalize("NFC", text), encoding="utf-8")
    return scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only documents whose names begin so")
    parser.add_argument("--list", default="documents", help="whose documents; glued: heads of notes touch their text")
    options = parser.parse_args()
    only = tuple(options.only or [""])
    layouts = [one for one in read_layouts(options.list) if one.name.startswith(only)]
    if not layouts:
        sys.exit(f"no such document in {HERE / options.list}.toml")
    options.out.mkdir(parents=True, exist_ok=True)
    for layout in layouts:
        scan = make(layout, options.out)
        print(f"{scan.name}: {scan.stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
