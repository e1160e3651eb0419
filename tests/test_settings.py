"""What settings mean, and which make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.settings import BadSetting, load


def test_pauses_grow_to_an_hour() -> None:
    settings = load(retry_delay=60)
    assert [settings.pause_before_retry(n) for n in (0, 1, 2, 6, 50)] == [60, 120, 240, 3600, 3600]


@pytest.mark.parametrize("inner", ["published", "inbox"])
def test_folders_in_one_another_are_refused(tmp_path: Path, inner: str) -> None:
    outer = {"published": "inbox", "inbox": "published"}[inner]
    home = tmp_path / "home"
    folders = load(home=home, **{inner: home / outer / "sub"}).folders
    with pytest.raises(BadSetting, match=f"{inner}.*lies in.*{outer}"):
        folders.check_apart()
    load(home=home).folders.check_apart()
