"""Small scans for tests: pieces of a sample, so that a page takes about a second to read."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parent.parent / "sample_scans" / "giay_moi_trang_1.jpg"


def write_scan(path: Path, pages: int = 1) -> Path:
    """A scan of so many pages, each the head of the sample: PDF, or TIFF if ``path`` says so.

    Scans of unlike names are unlike, so that none is taken for a copy of another.
    """
    with Image.open(SAMPLE) as image:
        head = image.convert("L").crop((0, 0, image.width, image.height // 4))
    path.parent.mkdir(parents=True, exist_ok=True)
    head.save(path, save_all=True, append_images=[head] * (pages - 1), resolution=300, title=path.name)
    return path
