"""Lay a source document out on A4 pages as Decree 30/2020/NĐ-CP asks, by Typst."""

from __future__ import annotations

import json
import math
import random
import subprocess
import tempfile
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import typst

from sample_scans.source import BOLD, MARK, MOTTO, Paragraph, Source

DPI = 300
# Debian's packages of the font families that the samples are set in.
PACKAGES = {
    "Liberation Serif": "fonts-liberation2 (Debian 12) or fonts-liberation (Debian 13, Ubuntu 24.04)",
    "TeX Gyre Termes": "fonts-texgyre",
    "FreeSerif": "fonts-freefont-ttf",
}

PREAMBLE = """
#set page(paper: "a4", margin: (top: 22mm, bottom: 20mm, left: 30mm, right: 18mm), header-ascent: 35%,
  header: context {{ {restart} if here().page() > 1 {{ align(center, text(13pt)[#here().page()]) }} }})
#set text(font: "{font}", size: {size}pt, lang: "vi", hyphenate: false, ligatures: false, fallback: false,
  costs: (widow: 0%, orphan: 0%))
#set par(justify: true, leading: {leading}em, spacing: {leading}em + 6pt,
  first-line-indent: (amount: 1.27cm, all: true))
#set super(typographic: false, size: 0.65em, baseline: -0.36em)
#set footnote.entry(separator: line(length: 50mm, stroke: 0.6pt), gap: 0.6em, clearance: 8pt,
  indent: {note_indent})
#show footnote.entry: set text(10pt)
#show footnote.entry: set par(leading: 0.52em, spacing: 0.6em, first-line-indent: 0pt)
#let rule(width) = align(center, line(length: width, stroke: 0.7pt))
#let at(key, n) = context {{
  let printed = counter(footnote).get().first() + n
  [#metadata((key: key, page: here().page(), printed: printed))<at>]
}}
#let ring(words, radius, span, size, bottom: false) = {{
  let letters = words.clusters()
  for (i, letter) in letters.enumerate() {{
    let angle = -span / 2 + i * span / (letters.len() - 1)
    place(center + horizon, rotate(if bottom {{ -angle }} else {{ angle }}, block(height: 2 * radius,
      align(center + (if bottom {{ std.bottom }} else {{ top }}), text(size, letter)))))
  }}
}}
#let star(radius) = {{
  let points = range(10).map(i => {{
    let r = if calc.even(i) {{ radius }} else {{ radius * 0.4 }}
    let a = i * 36deg - 90deg
    (radius + r * calc.cos(a), radius + r * calc.sin(a))
  }})
  polygon(fill: rgb(206, 32, 48, 200), ..points)
}}
#let seal(above, below) = box(width: 36mm, height: 36mm, {{
  let ink = rgb(206, 32, 48, 205)
  set text(weight: "bold", fill: ink, size: 8pt)
  set par(first-line-indent: 0pt, justify: false)
  place(center + horizon, circle(radius: 17.6mm, stroke: 1.6pt + ink))
  place(center + horizon, circle(radius: 16.6mm, stroke: 0.6pt + ink))
  place(center + horizon, circle(radius: 10.6mm, stroke: 0.8pt + ink))
  ring(above, 15.8mm, 215deg, 8pt)
  ring(below, 15.8mm, 95deg, 8pt, bottom: true)
  place(center + horizon, star(6.5mm))
}})
"""


def font_files(family: str) -> list[Path]:
    """The files of a font family that hold all Vietnamese letters (Liberation 1, for one, does not)."""
    listed = subprocess.run(
        ["fc-list", "--format", "%{file}\t%{charset}\n", family], capture_output=True, text=True, check=True
    ).stdout
    files = []
    for line in sorted(listed.splitlines()):
        file, _, charset = line.partition("\t")
        ranges = [part.partition("-") for part in charset.split()]
        letters = {n for low, _, high in ranges for n in range(int(low, 16), int(high or low, 16) + 1)}
        if letters.issuperset({*range(0x1EA0, 0x1EFA), 0x1A0, 0x1A1, 0x1AF, 0x1B0, 0x110, 0x111, 0xB2}):
            files.append(Path(file))
    if len(files) < 4:
        raise FileNotFoundError(f"no font {family} with Vietnamese letters: install {PACKAGES[family]}")
    return files


def typeset(source: Source) -> tuple[list[np.ndarray], dict[str, dict[str, Any]]]:
    """The pages as pictures (BGR, 300 dpi), and each note's printed number, first and last page."""
    markup = _markup(source)
    with tempfile.TemporaryDirectory() as folder:
        # Only these fonts, so that a look-alike family elsewhere on the system is never picked up.
        for n, file in enumerate(font_files(source.one("font"))):
            (Path(folder) / f"{n}{file.suffix}").symlink_to(file)
        fonts: dict[str, Any] = {"font_paths": [folder], "ignore_system_fonts": True}
        data = markup.encode()
        pictures = typst.compile(data, format="png", ppi=float(DPI), **fonts)
        found = json.loads(typst.query(data, "<at>", **fonts))
    pictures = [pictures] if isinstance(pictures, bytes) else pictures
    notes: dict[str, dict[str, Any]] = {}
    for entry in (item["value"] for item in found):
        end, _, name = entry["key"].partition(" ")
        note = notes.setdefault(name, {"printed": "", "pages": []})
        if end == "mark":
            note["printed"] = str(entry["printed"])
            note["marked"] = entry["page"]
        else:
            note["pages"].append(entry["page"])
    for name, note in notes.items():
        # Typst may leave a note behind when its mark moves on to the next page; no word processor does.
        if note["pages"][0] != note["marked"]:
            raise ValueError(f"{source.name}: note {name} parted from its mark: change the leading")
    return [_flatten(picture) for picture in pictures], notes


def _flatten(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    if picture.shape[2] == 4:
        alpha = picture[:, :, 3:].astype(np.float32) / 255
        picture = (picture[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return picture


def typst_string(text: str) -> str:
    """Text as Typst takes it in code, nothing in it markup."""
    return '#"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _markup(source: Source) -> str:
    parts = [
        PREAMBLE.format(
            font=source.one("font"),
            size=source.one("size", "14"),
            leading=source.one("leading", "0.68"),
            restart="counter(footnote).update(0);" if source.one("marks") == "page" else "",
            note_indent=source.one("note-indent", "0pt"),
        ),
        _added_later(source),
        _letterhead(source),
    ]
    parts += [_block(source, paragraph) for paragraph in source.body]
    parts.append(_signature(source))
    return "\n\n".join(parts)


def _plain(source: Source, text: str) -> str:
    """Text without notes; m² as a raised 2, as word processors print it, where the document wants that."""
    out = []
    for k, run in enumerate(BOLD.split(text)):
        if source.one("units") == "raised":
            pieces = [piece for piece in run.replace("²", "\0²\0").replace("³", "\0³\0").split("\0") if piece]
        else:
            pieces = [run] if run else []
        raised = {"²": "#super[2]", "³": "#super[3]"}
        set_run = "".join(raised[p] if p in raised and len(pieces) > 1 else typst_string(p) for p in pieces)
        out.append(f"#strong[{set_run}]" if k % 2 else set_run)
    return "".join(out)


def _inline(source: Source, text: str) -> str:
    out = []
    for k, part in enumerate(MARK.split(text)):
        if k % 2 == 0:
            out.append(_plain(source, part))
            continue
        body = "\n\n".join(_plain(source, paragraph) for paragraph in source.notes[part])
        name = part.replace('"', "")
        out.append(f'#at("mark {name}", 1)#footnote[#at("start {name}", 0)#h(0.25em){body}#at("end {name}", 0)]')
    return "".join(out)


def _block(source: Source, paragraph: Paragraph) -> str:
    if paragraph.kind == "table":
        columns = ", ".join(f"{width}fr" for width in paragraph.widths)
        cells = []
        for n, row in enumerate(paragraph.rows):
            for k, cell in enumerate(row):
                inner = _inline(source, cell)
                place = "left" if k == 1 and n else "center"
                inner = inner if n else f"#strong[{inner}]"
                cells.append(f"table.cell(align: {place} + horizon)[{inner}]")
        return (
            "#block(above: 10pt, below: 10pt)[#set text(12pt)\n"
            "#set par(justify: false, first-line-indent: 0pt, leading: 0.45em)\n"
            f"#table(columns: ({columns}), stroke: 0.6pt, inset: 5pt, {', '.join(cells)})]"
        )
    text = _inline(source, paragraph.text)
    if paragraph.kind == "h":
        return f"#block(sticky: true)[#h(1.27cm)#strong[{text}]]"
    if paragraph.kind == "hi":
        return f"#block(sticky: true)[#h(1.27cm)#strong[#emph[{text}]]]"
    if paragraph.kind == "centre":
        return f"#block(sticky: true, width: 100%, above: 12pt, below: 12pt)[#align(center)[#strong[{text}]]]"
    return f"#emph[{text}]" if paragraph.kind == "italic" else text


def typst_lines(lines: list[str]) -> str:
    """Lines under one another, within one paragraph."""
    return " #linebreak() ".join(typst_string(line) for line in lines)


def _letterhead(source: Source) -> str:
    about = source.all("about")
    left = (
        f"[{typst_lines(source.all('parent'))}#if {str(bool(source.all('parent'))).lower()} [#linebreak()]"
        f"#strong[{typst_lines(source.all('agency'))}] #v(-4pt) #rule(2.2cm)]"
    )
    right = (
        f"[#strong[{typst_string(MOTTO[0])}] #linebreak() #text(13pt)[#strong[#box(inset: (bottom: 2.5pt), "
        f"stroke: (bottom: 0.7pt))[{typst_string(MOTTO[1])}]]]]"
    )
    number = f"[#text(13pt)[{typst_string(source.one('number'))}]"
    number += f" #linebreak() #v(-2pt) {typst_lines(about)}]" if about else "]"
    place = f"[#text(13pt)[#emph[{typst_string(source.one('place'))}]]]"
    out = (
        "#[#set text(12pt)\n#set par(justify: false, leading: 0.45em, first-line-indent: 0pt)\n"
        f"#grid(columns: (6.1cm, 1fr), row-gutter: 8pt, align: center, {left}, {right}, {number}, {place})]"
    )
    if source.all("title"):
        out += (
            "\n\n#v(10pt)\n#align(center)[#set par(justify: false, leading: 0.5em)\n"
            f"#strong[{typst_lines(source.all('title'))}]\n\n#v(-4pt)#strong[{typst_lines(source.all('subject'))}]\n\n"
            "#v(-6pt)#rule(3cm)]\n\n#v(4pt)"
        )
    if source.all("to"):
        out += (
            "\n\n#v(10pt)\n#align(center)[#block[#align(left)["
            "#set par(first-line-indent: 0pt, spacing: 7pt)\n"
            + "\n\n".join(typst_string(line) for line in source.all("to"))
            + "]]]\n\n#v(4pt)"
        )
    return out


def _added_later(source: Source) -> str:
    """What others put on the first page: a received stamp, an electronic signature, a copy line."""
    out = []
    if source.all("received"):
        office, *fields = source.all("received")
        ink = "rgb(30, 40, 120)"
        lines = f"#text(7pt)[{typst_string(office)}] #line(length: 34mm, stroke: 0.5pt + {ink}) "
        lines += f"#strong[CÔNG VĂN ĐẾN] #linebreak() {typst_lines(fields)}"
        out.append(
            f"#place(top + left, dx: -25mm, dy: 29mm)[#set text(8pt, fill: {ink})\n"
            "#set par(first-line-indent: 0pt, justify: false, leading: 0.5em, spacing: 0.5em)\n"
            f"#rect(width: 34mm, inset: 1.4mm, stroke: 0.9pt + {ink})[#align(center)[{lines}]]]"
        )
    if source.all("signed"):
        out.append(
            "#place(top + left, dx: 6mm, dy: -17mm)[#set text(7pt)\n#set par(first-line-indent: 0pt, leading: 0.35em)\n"
            f"{typst_lines(source.all('signed'))}]"
        )
    if source.all("copy"):
        out.append(f"#place(top + right, dy: -17mm)[#text(8pt)[{typst_string(source.one('copy'))}]]")
    return "\n".join(out)


def _stroke_of_pen(name: str) -> str:
    """A signature: a looping line that is the same for the same name."""
    rng = random.Random(unicodedata.normalize("NFD", name).encode())
    loops, pace, swing = rng.uniform(0.7, 1.2), rng.uniform(0.9, 1.5), rng.uniform(0.8, 1.8)
    points = []
    x = 0.0
    for step in range(46):
        x += rng.uniform(0.5, 1.1) + swing * math.cos(step * loops)
        height = rng.uniform(7, 12) * math.exp(-step / 18) * math.sin(step * pace + rng.uniform(-0.5, 0.5))
        points.append((x + 3, 11 + height - step / 9))
    moves = [f"curve.move(({points[0][0]:.2f}mm, {points[0][1]:.2f}mm))"]
    for (x0, y0), (x1, y1) in pairwise(points[1:]):
        moves.append(f"curve.quad(({x0:.2f}mm, {y0:.2f}mm), ({(x0 + x1) / 2:.2f}mm, {(y0 + y1) / 2:.2f}mm))")
    return f'#curve(stroke: (paint: rgb(28, 44, 130), thickness: 1.3pt, cap: "round"), {", ".join(moves)})'


def _signature(source: Source) -> str:
    recipients = source.all("recipient")
    left = ""
    if recipients:
        left = f"#text(12pt)[#strong[#emph[{typst_string('Nơi nhận:')}]]] #linebreak() "
        left += f"#text(11pt)[{typst_lines(recipients)}]"
    above, below = (words.strip() for words in source.one("seal").split("/"))
    down = source.one("seal-down", "-2mm")
    right = (
        f"#align(center)[#strong[{typst_lines(source.all('sign'))}]\n"
        "#block(width: 100%, height: 33mm)["
        f"#place(dx: 22mm, dy: 5mm)[{_stroke_of_pen(source.one('signer'))}]\n"
        f'#place(dx: 2mm, dy: {down})[#seal("{above} ", "{below}")]]\n'
        f"#strong[{typst_string(source.one('signer'))}]]"
    )
    return (
        "#v(8pt)\n#block(breakable: false)[#set par(justify: false, leading: 0.45em, spacing: 6pt, "
        f"first-line-indent: 0pt)\n#grid(columns: (1fr, 1fr), [{left}], [{right}])]"
    )
