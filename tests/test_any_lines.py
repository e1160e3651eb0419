"""Whatever lines a page has, in whatever columns: a document comes of them, repair ends, and can be undone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Source
from normalize.formats import to_dict
from normalize.repair.repair import repair, undo
from normalize.structure.build import build_document
from tests.typeset import page

_WORDS = (
    "Nơi nhận: - Như trên; Lưu: VT. KT. BỘ TRƯỞNG CHỦ TỊCH PHÓ GIÁM ĐỐC Nguyễn Văn An Số: 12/QĐ-UBND ngày 12 tháng 3 "
    "năm 2020 V/v QUYẾT ĐỊNH: Điều 1. I. II. 1) a) (1) ¹Theo số² liệu Căn cứ Luật “Z_ .- — „ư 7 9 ' ; © * CỘNG HÒA XÃ "
    "HỘI CHỦ NGHĨA VIỆT NAM Độc lập Tự do Hạnh phúc Kính gửi: Phụ lục Mẫu Trang 3 2/7 ( ) [ ] % ≤ ☐ o x .. … , TM. "
    "ThS.Lê Đại tá Lò Thị My 0 l I | III ĐẢNG UBND tỉnh quy đ ịnh tạiUBND vanthu(@a.vn 1.250 13,5% Đ"
)
WORDS = _WORDS.split()
ROW = st.builds(
    lambda zone, words: f"{zone} {' '.join(words)}<",
    st.sampled_from(("L", "R", "T", "T >", "T |", "N", "H", "X", "S")),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
)
PAGES = st.lists(st.lists(ROW, max_size=20), min_size=1, max_size=2)


@settings(max_examples=150)
@given(PAGES)
def test_any_lines_become_a_document(pages: list[list[str]]) -> None:
    typeset = [page(number, rows) for number, rows in enumerate(pages, 1)]
    before = build_document(typeset, Source("test.pdf", "0" * 64, len(pages), 1))
    after = repair(before)
    assert undo(after) == before
    assert repair(after) == after
    assert to_dict(after)["schema"] == "nambat/1"
