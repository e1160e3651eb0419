"""What other engines write of money, units, degrees and bold words, as it stands in print."""

import pytest

from normalize.document import Source
from normalize.plaintext.parse import parse_text
from normalize.repair.repair import repair, undo

PRINTED = {
    r"hỗ trợ 5.000^đ, 12.500.000 $^{đ}$ và $7.500.000^{đ}$": "hỗ trợ 5.000đ, 12.500.000 đ và 7.500.000đ",
    r"mức 45.000<sup>đ</sup>/người, 30.000^{đ}/ngày": "mức 45.000đ/người, 30.000đ/ngày",
    r"diện tích 12 m^2, 35 $\mathrm{km}^{2}$, 1.200 $m^3$/ngày": "diện tích 12 m², 35 km², 1.200 m³/ngày",
    r"bảo quản ở 4 ^oC, 25^0C và $-18^{\circ}C$": "bảo quản ở 4°C, 25°C và -18°C",
    r"kích thước 3 \times 4 m, độ ẩm \leq 5\%": "kích thước 3 × 4 m, độ ẩm ≤ 5%",
    r"\textbf{Điều 1}. \underline{Phạm vi} điều chỉnh, số $\underline{12}$": "Điều 1. Phạm vi điều chỉnh, số 12",
}
KEPT = [
    "UBND^TTg và x^2 cùng 5^ với ^6",
    "hàm mũ 10^d và 2^D",
    "mức 45.000^dong mỗi tháng",
    "giá $100 và $200^ đô la",
    "phòng m^2x của nhà hm^3y",
]


@pytest.mark.parametrize(("written", "printed"), PRINTED.items())
def test_as_in_print(written: str, printed: str) -> None:
    assert parse_text(written, Source("t.txt", "", 0, 0)).blocks[0].text == printed


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_markup(text: str) -> None:
    document = parse_text(text, Source("t.txt", "", 0, 0))
    assert document.blocks[0].text == text
    assert repair(document).blocks == document.blocks


@pytest.mark.parametrize(
    ("read", "mended"),
    [
        ("tổng số 182.900.000^d, còn lại", "tổng số 182.900.000đ, còn lại"),
        ("phạt (500.000^{d}) mỗi hộ", "phạt (500.000đ) mỗi hộ"),
        ("thu $5.000.000^{d}$ của 12.000 $^{d}$ hộ", "thu 5.000.000đ của 12.000 đ hộ"),
        ("mức 1500^d/ngày", "mức 1500đ/ngày"),
    ],
)
def test_a_raised_d_behind_money(read: str, mended: str) -> None:
    document = parse_text(read, Source("t.txt", "", 0, 0))
    after = repair(document)
    assert after.blocks[0].text == mended
    assert undo(after) == document
