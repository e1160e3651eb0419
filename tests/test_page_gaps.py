"""Missing pages are told by the printed page numbers, and by nothing that only looks like them."""

from __future__ import annotations

import pytest

from normalize.document import Dropped, Source
from normalize.structure.build import build_document
from normalize.structure.page_gaps import page_gaps
from tests.typeset import page


@pytest.mark.parametrize(
    ("numbers", "firsts", "told"),
    [
        ({2: "2", 3: "3", 4: "4"}, [1], []),
        ({2: "4"}, [1], [(2, 1, 4)]),  # the pages between them were not scanned
        ({2: "2", 3: "- 5 -"}, [1], [(3, 2, 5)]),
        ({2: "2", 4: "5"}, [1], [(4, 2, 5)]),  # one page without a number between them, and one missing
        ({2: "2", 4: "4"}, [1], []),  # an annex across the page has no number
        ({2: "2/6", 3: "5/6"}, [], [(3, 2, 5)]),
        ({2: "2", 3: "8", 4: "4"}, [1], []),  # misread, as the next one tells
        ({2: "2", 3: "3", 4: "1", 5: "5", 6: "6"}, [1], []),
        ({2: "2", 3: "9", 4: "4", 5: "7"}, [1], [(5, 4, 7)]),
        ({2: "2", 3: "5", 5: "2"}, [1, 4], [(3, 2, 5)]),  # another document begins
        ({2: "2", 4: "2"}, [1, 3], []),
        ({2: "37"}, [1], []),  # cut out of a gazette
        ({2: "3", 3: "4"}, [], []),  # nothing tells what comes before
        ({}, [1], []),
    ],
)
def test_page_gaps(numbers: dict[int, str], firsts: list[int], told: list[tuple[int, int, int]]) -> None:
    dropped = [Dropped(page, None, text, "page number") for page, text in numbers.items()]
    noise = [Dropped(page, None, "9", "noise") for page in numbers]
    found = [(one.page, one.message) for one in page_gaps(firsts, [*dropped, *noise])]
    said = "The printed page numbers go from {} to {}: pages between them may not have been scanned."
    assert found == [(page, said.format(before, after)) for page, before, after in told]


@pytest.mark.parametrize(("number", "paragraphs"), [("2", 1), ("4", 2)])
def test_no_sentence_goes_on_over_a_gap(number: str, paragraphs: int) -> None:
    head = ["L SỞ NỘI VỤ", "L Số: 12/BC-SNV", "R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "R Độc lập - Tự do - Hạnh phúc"]
    first = page(1, [*head, "T >Các đơn vị cần phối hợp chặt chẽ với các cơ quan có liên quan để"])
    second = page(2, [f"H |{number}", "T nhận thông tin phản hồi và giải quyết kịp thời.<"])
    document = build_document([first, second], Source("test.pdf", "0" * 64, 2, 1))
    assert len([block for block in document.blocks if block.type == "paragraph"]) == paragraphs
    assert [warning.page for warning in document.warnings if "printed page numbers" in warning.message] == (
        [2] if paragraphs > 1 else []
    )
