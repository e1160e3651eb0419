"""Draw pages that end in a signature block, sealed and signed over, and count what is published of who signed.

    python -m benchmarks.signatures OUT [--count 60] [--seed 1]

The pages are drawn otherwise than the lines that :mod:`ocr.reread.overprinted` was taught with: whole blocks, the seal
and the signature where offices put them, scanned in colour, in grey and in black and white. Names are of syllables that
may stand in one, many a single tone from a common one; one office in six is none that the program knows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import unicodedata
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.from_records import publish, read
from flows.pipeline.stages import check
from flows.settings import Settings

WIDTH, HEIGHT, DPI = 2480, 1900, 300
SCANS = ("red", "red150", "grey", "black", "black200", "dithered")
OFFICES = (
    "GIÁM ĐỐC", "PHÓ GIÁM ĐỐC", "CHỦ TỊCH", "PHÓ CHỦ TỊCH", "BỘ TRƯỞNG", "THỨ TRƯỞNG", "HIỆU TRƯỞNG", "CHÁNH VĂN PHÒNG",
    "CỤC TRƯỞNG", "PHÓ CỤC TRƯỞNG", "VIỆN TRƯỞNG", "TRƯỞNG PHÒNG", "TỔNG GIÁM ĐỐC", "CHÁNH THANH TRA", "TRƯỞNG BAN",
)  # fmt: skip
UNKNOWN = (
    "QUẢN ĐỐC", "ĐỐC CÔNG", "PHÁP CHẾ VIÊN", "LỤC SỰ", "TRƯỞNG TRÀNG", "GIÁM THỊ", "CHỦ TỊNH", "GIÁM BỘC", "PHÓ ĐỒN",
)  # fmt: skip
DEPUTIES = {
    "PHÓ GIÁM ĐỐC": "GIÁM ĐỐC",
    "PHÓ CHỦ TỊCH": "CHỦ TỊCH",
    "THỨ TRƯỞNG": "BỘ TRƯỞNG",
    "PHÓ CỤC TRƯỞNG": "CỤC TRƯỞNG",
}
SYLLABLES = """
An Ân Ấn Bá Bạ Bách Bình Bính Cường Chiến Chiên Dung Dũng Dụng Đạt Đát Đông Đồng Động Đức Giang Giảng Hà Hạ
Hải Hai Hạnh Hảnh Hoa Hòa Hóa Hoàng Hoảng Hùng Hưng Hừng Huy Hủy Khánh Khanh Lan Lân Lận Liên Liễn Loan Long
Lòng Mai Mãi Minh Mính Nam Năm Nga Ngà Ngân Ngần Nghĩa Nghĩ Ngọc Ngóc Nhân Nhẫn Phong Phòng Phúc Phục Phức
Quang Quảng Quý Quỳ Sơn Sớn Tài Tải Tâm Tầm Tấn Tân Thắng Thăng Thành Thanh Thạnh Thảo Thạo Thịnh Thình Thủy
Thụy Toàn Toán Trúc Trực Tuấn Tuân Tùng Túng Việt Viết Vinh Vĩnh Xuân Xuẩn Yến Yên
"""
FAMILY = """
Nguyễn Trần Lê Lệ Phạm Phan Phán Vũ Võ Đặng Đăng Bùi Bụi Đỗ Đồ Hồ Hổ Ngô Ngộ Dương Lý Đào Đinh Định Trịnh Tô
Tạ Cao
"""
LINES = ("Quyết định này có hiệu lực kể từ ngày ký.", "Các đơn vị chịu trách nhiệm thi hành văn bản này./.")
RECIPIENTS = ("Nơi nhận:", "- Như trên;", "- Sở Tài chính;", "- Các phòng, ban;", "- Website Sở;", "- Lưu: VT, TH.")


def font(style: str, points: float) -> ImageFont.FreeTypeFont:
    wanted = f"Liberation Serif:style={style}"
    path = subprocess.run(["fc-match", "-f", "%{file}", wanted], capture_output=True, text=True, check=True).stdout
    return ImageFont.truetype(path, round(points * DPI / 72))


def draw(random: np.random.Generator, scan: str) -> tuple[np.ndarray, dict[str, str], list[str]]:
    """A page in RGB or grey, what is true of it, and its lines about the seal."""
    body, bold, small = font("Regular", 14), font("Bold", 13.5), font("Regular", 11)
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(page)
    for at in range(int(random.integers(5, 9))):
        pen.text((350, 120 + 75 * at), LINES[at % 2], "black", body)
    top = 120 + 75 * at + 130
    for at, text in enumerate(RECIPIENTS):
        pen.text((350, top + 48 * at), text, "black", small)
    office = str(random.choice(UNKNOWN if random.random() < 1 / 6 else OFFICES))
    lines = [f"KT. {DEPUTIES[office]}", office] if office in DEPUTIES else [office]
    if office == "CHỦ TỊCH" and random.random() < 0.5:
        lines = ["TM. ỦY BAN NHÂN DÂN", office]
    name = " ".join(
        [str(random.choice(FAMILY.split())), *map(str, random.choice(SYLLABLES.split(), random.integers(1, 4)))]
    )
    middle, leading = 1720 + int(random.integers(-60, 60)), int(random.integers(58, 74))
    for at, text in enumerate(lines):
        pen.text((middle, top + leading * at), text, "black", bold, anchor="ms")
    below = top + leading * (len(lines) - 1)
    foot = below + int(random.integers(330, 520))
    pen.text((middle, foot), name, "black", bold, anchor="ms")
    ink = np.asarray(page)
    radius = int(random.integers(190, 235))
    # The seal covers a third of the signature, at its left; often an office above or the name below as well.
    x = middle - int(random.uniform(0.2, 1.2) * radius)
    y = int(random.choice([below + radius * random.uniform(0.6, 1.1), foot - radius * random.uniform(0.5, 1.1)]))
    seal = seal_at(x, y, radius, random)
    signature = signed(middle, (below + foot) // 2, random)
    colour = scan.startswith("red")
    red = np.array([205, 30, 45]) if colour else np.full(3, random.choice([20, 60, 110, 150]))
    blue = np.array([30, 40, 140]) if colour else np.full(3, random.choice([20, 50]))
    out = ink.astype(np.float32)
    for mask, shade in ((signature, blue), (seal, red)):
        cover = mask[:, :, None].astype(np.float32) / 255 * random.uniform(0.85, 1.0)
        out = out * (1 - cover) + np.minimum(out, shade) * cover
    return scanned(out.clip(0, 255).astype(np.uint8), scan, random), {"signer": name, "office": office}, [*lines, name]


def seal_at(x: int, y: int, radius: int, random: np.random.Generator) -> np.ndarray:
    mask = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(mask)
    for share, wide in ((1.0, int(random.integers(5, 11))), (0.93, 2), (0.66, 3)):
        reach = share * radius
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=255, width=wide)
    letters, type_ = "★ CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM ★ TỈNH SÔNG LÔI", font("Bold", 8.5)
    sans = ImageFont.truetype(type_.path.replace("Serif", "Sans"), type_.size)
    turn = random.uniform(-0.3, 0.3)
    for at, letter in enumerate(letters):
        angle = turn + 2 * np.pi * at / len(letters) + np.pi
        tile = Image.new("L", (80, 80))
        ImageDraw.Draw(tile).text((40, 40), letter, 255, sans, anchor="mm")
        tile = tile.rotate(-np.degrees(angle), Image.Resampling.BICUBIC)
        place = (round(x + 0.8 * radius * np.sin(angle)) - 40, round(y - 0.8 * radius * np.cos(angle)) - 40)
        mask.paste(255, place, tile)
    if random.random() < 0.5:
        star = [
            (x + r * np.sin(n * np.pi / 5), y - r * np.cos(n * np.pi / 5))
            for n, r in ((n, radius * (0.5 if n % 2 == 0 else 0.2)) for n in range(10))
        ]
        pen.polygon(star, fill=255)
    else:
        pen.text((x, y - 26), "SỞ", 255, font("Bold", 12), anchor="mm")
        pen.text((x, y + 34), "NỘI VỤ", 255, font("Bold", 12), anchor="mm")
    worn = cv2.GaussianBlur(random.normal(0, 1, (HEIGHT // 4, WIDTH // 4)).astype(np.float32), (0, 0), 3)
    worn = cv2.resize(worn, (WIDTH, HEIGHT))
    return np.where(worn > random.uniform(1.2, 3.0) * worn.std(), 90, 255) * (np.asarray(mask) / 255.0)


def signed(x: int, y: int, random: np.random.Generator) -> np.ndarray:
    """A signature: some loops and a flat stroke under them that goes on across."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    t = np.linspace(0, 1, 400)
    across = x - 250 + 480 * t + 90 * np.sin(2 * np.pi * (random.uniform(3, 6) * t + random.random()))
    waves = np.sin(2 * np.pi * (random.uniform(3, 6) * t + random.random()))
    down = y + random.uniform(50, 120) * waves * (1 - 0.5 * t)
    wide = int(random.integers(3, 9))
    cv2.polylines(mask, [np.stack([across, down], 1).astype(np.int32)], False, 255, wide, cv2.LINE_AA)
    lean, start = random.uniform(-0.35, 0.05), y + random.uniform(60, 260)
    tail = np.stack([x - 350 + 900 * t, start + lean * 900 * t + 30 * np.sin(3 * t)], 1).astype(np.int32)
    cv2.polylines(mask, [tail], False, 255, max(2, wide - 2), cv2.LINE_AA)
    return mask


def scanned(page: np.ndarray, scan: str, random: np.random.Generator) -> np.ndarray:
    lean = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), random.uniform(-0.6, 0.6), 1.0)
    page = cv2.warpAffine(page, lean, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
    page = cv2.GaussianBlur(page, (0, 0), random.uniform(0.6, 1.2))
    if scan in ("red150", "black200"):
        share = (150 if scan == "red150" else 200) / DPI
        page = cv2.resize(page, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    if not scan.startswith("red"):
        page = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    page = (page.astype(np.float32) + random.normal(0, 6, page.shape)).clip(0, 255).astype(np.uint8)
    if scan == "dithered":
        page = np.asarray(Image.fromarray(page).convert("1").convert("L"))
    if scan.startswith("black"):
        page = np.where(page < random.integers(120, 190), 0, 255).astype(np.uint8)
    return np.asarray(page)


def measure(job: tuple[Path, int, str]) -> tuple[str, dict[str, str], dict[str, str | None]]:
    """Draw a page, read and publish it; its name, what is true and what was published."""
    folder, seed, scan = job
    page, truth, _ = draw(np.random.default_rng(seed), scan)
    file = folder / f"{scan}_{seed}.png"
    dpi = {"red150": 150, "black200": 200}.get(scan, DPI)
    Image.fromarray(page).save(file, dpi=(dpi, dpi))
    settings = Settings()
    checked = check(file, settings.max_bytes, settings.max_pages)
    records = folder / "records" / checked.sha256
    records.mkdir(parents=True, exist_ok=True)
    read(file, 1, records)
    publish(file, checked, records, folder, file.stem)
    return file.stem, truth, json.loads(file.with_suffix(".json").read_text())["metadata"]


def judged(truth: str, told: str | None) -> str:
    if not told:
        return "null"
    same = unicodedata.normalize("NFC", truth) == unicodedata.normalize("NFC", told)
    return "right" if same else "WRONG"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(options.out, options.seed * 10_000 + n, SCANS[n % len(SCANS)]) for n in range(options.count)]
    counts: Counter[tuple[str, str, str]] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        for name, truth, told in pool.map(measure, jobs):
            signer = judged(truth["signer"], told.get("signer"))
            unknown = truth["office"] in UNKNOWN
            office = judged(truth["office"], told.get("signer_title"))
            for key, value in (("signer", signer), ("unknown office" if unknown else "office", office)):
                counts[key, name.split("_")[0], value] += 1
                counts[key, "all", value] += 1
            if "WRONG" in (signer, office):
                print(f"{name}: {truth} | {told.get('signer')}, {told.get('signer_title')}")
    for key in ("signer", "office", "unknown office"):
        for scan in (*SCANS, "all"):
            row = "  ".join(f"{value} {counts[key, scan, value]:3}" for value in ("right", "null", "WRONG"))
            print(f"{key:15} {scan:9} {row}")


if __name__ == "__main__":
    main()
