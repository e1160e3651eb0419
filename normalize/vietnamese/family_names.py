"""Family names of Vietnam: which are known, and which known one a misread one may be.

Written down from public facts; those of the Kinh cover nearly everybody, those of other peoples are the ones that are
met in papers of their provinces. A name that is not among them is no wrong one.
"""

from __future__ import annotations

from collections import defaultdict

from normalize.vietnamese.syllable import skeleton

_COMMON = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đoàn Vương Trịnh Trương Đinh Lâm Phùng "
    "Mai Tô Hà Tạ Lương Nông Chu Triệu Quách Thái Cao Tống Kiều Lưu La Thân Từ Châu Hứa Giang Đàm Ông Tăng Hàn Nghiêm "
    "Mạc Ninh Khương Doãn Diệp Vi Lục Ma Sầm"
)
COMMON = frozenset(_COMMON.split())
"""The commonest. A name in capitals is told by one of them."""

_OTHERS = (
    "An Âu Ân Bá Bạch Bành Bảo Bế Bồ Cái Cam Cấn Chế Chiêm Chung Chử Cồ Công Cù Cung Đái Đan Danh Đậu Đới Đồng Đổng "
    "Đống Đường Giáp Giản Hạ Hán Hoa Hồng Hùng Kha Khiếu Khổng Khúc Khuất Khưu Khâu Kim Lã Lạc Lại Lăng Liêu Liễu Lỗ "
    "Long Luyện Lữ Lều Mã Mẫn Mâu Mầu Mông Ngạc Ngân Ngọ Ngụy Ngũ Nhâm Nhan Nhạc Nhữ Ôn Phí Phó Phù Phương Phong Quan "
    "Quản Sái Sử Tán Tào Tất Tề Thạch Thang Thẩm Thi Thiều Thiệu Thịnh Thôi Tiền Tiêu Tiết Tôn Trà Trang Trầm Trình "
    "Triều Tưởng Tường Úc Ung Uông Ứng Văn Vạn Viên Viêm Vòng Xuân Yên",
    # Mường, Tày, Nùng, Thái, Hmong, Dao, Khmu and their neighbours.
    "Bạc Bàn Cà Cầm Chang Cháng Chảo Chẻo Cụt Cứ Đèo Dìu Già Giàng Hạng Hầu Hờ Hoàng Hủn Lang Lầu Lèo Lềnh Lò Lô Lồ "
    "Lộc Lù Lùng Lự Lường Ly Lỳ Mè Moong Mùa Nang Ngần Páo Phàn Phượng Pờ Quàng Seo Sin Sùng Tải Tẩn Thào Thò Tòng "
    "Tráng Trìu Và Vàng Vì Vừ Xa Xồng",
    # Chăm, Khmer and the peoples of the Central Highlands.
    "Báo Bon Cil Đàng Đạo Điểu Kiên Kpă Ksor Nay Quảng Rơ Siu Sơn Tài",
)
KNOWN = COMMON.union(*(names.split() for names in _OTHERS))
"""All of them."""


def _by_letters() -> dict[str, list[str]]:
    alike = defaultdict(list)
    for name in sorted(KNOWN):
        alike[skeleton(name)].append(name)
    return dict(alike)


_ALIKE = _by_letters()


def misread_for(name: str) -> list[str]:
    """The known family names that a word may be misread for, by its marks: of a known one, none.

    >>> misread_for("Đỉnh"), misread_for("Đinh"), misread_for("Kpor")
    (['Đinh'], [], [])
    """
    return [] if name.capitalize() in KNOWN else _ALIKE.get(skeleton(name), [])
