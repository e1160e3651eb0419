"""``python -P -m flows.review.server HOST PORT``: the review page of the service's folders, in a process of its own.

``nambat review`` runs the same in its own process, over a folder that ``convert`` wrote.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.host.trusted_paths import shut_out_current_folder
from flows.language import _
from flows.pipeline.saves import finish_saves
from flows.pipeline.versions import Shelf
from flows.review.desk import Desk
from flows.review.index import of_folder, of_service
from flows.review.learned import WordList
from flows.review.scans import Scans
from flows.service.prefect_server import given_ui, local_address
from flows.settings import Settings, load
from ocr.faults import Fault


def desk_of_service(settings: Settings) -> Desk:
    """What the service of these settings publishes."""
    folders = settings.folders
    shelf = Shelf(
        folders.published,
        folders.working / ".staging",
        folders.versions,
        keeps_formats=True,
        timezone=settings.timezone,
    )
    library = of_service(folders)
    words = WordList(settings.word_list, True, library.place)
    scans = Scans((folders.originals,))
    return Desk(shelf, scans, library, words, settings.timezone, settings.max_pixels, settings.port, given_ui())


def desk_of_folder(folder: Path, scans: Sequence[Path], settings: Settings) -> Desk:
    """What ``convert`` wrote into a folder.

    Args:
        scans: folders in which its scans lie, beside the folder itself.
    """
    library = of_folder(folder.resolve())
    folder = library.root
    staging = folder / ".nambat_review" / "staging"
    shelf = Shelf(folder, staging, folder / "versions", keeps_formats=True, timezone=settings.timezone)
    places = tuple(dict.fromkeys([folder, *(path.resolve() for path in scans)]))
    words = WordList(settings.words or library.place / "words.txt", settings.words is not None, library.place)
    return Desk(shelf, Scans(places), library, words, settings.timezone, settings.max_pixels)


def begin(desk: Desk, settings: Settings, host: str, port: int, say: Callable[[str], object]) -> None:
    """Serve a folder until Ctrl-C, and tell a person where.

    Args:
        say: shows one line.
    """
    say(_("Review page: {address} (Ctrl-C ends it)").format(address=local_address(host, port)))
    if not desk.is_writable:
        say(_("{folder} cannot be written: documents are shown, not mended.").format(folder=desk.root))
    run(desk, settings, host, port, os.environ.get("PREFECT_SERVER_API_AUTH_STRING", ""))


def run(desk: Desk, settings: Settings, host: str, port: int, secret: str) -> None:
    """Serve until told to stop.

    Args:
        secret: ``user:password``; empty where none is asked for.
    """
    import uvicorn

    from flows.pipeline.workers import WorkerPool
    from flows.review.app import review_app
    from flows.review.images import PagePictures
    from flows.review.security import POLICY, with_password
    from flows.service.guard import admitted, guarded, own_origins

    # A long document is some 100,000 records without cycles: looking through them all again and again took a third of
    # the time in which one of 300 pages is read back to be saved (0.9 instead of 1.4 s of processor time).
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    if desk.is_writable:
        with contextlib.suppress(OSError, Fault):  # one that cannot be finished yet waits for its next save
            finish_saves(desk.shelf)
    limits = {"memory": settings.worker_memory, "scratch": settings.worker_scratch}
    with WorkerPool(2, **limits, warm=("cv2", "ocr.image.clean", "ocr.rasterize")) as pool:
        app = review_app(desk, PagePictures(pool))
        may = admitted(own_origins(host, port))
        application = guarded(with_password(app, secret), may, POLICY)
        config = uvicorn.Config(application, host=host, port=port, lifespan="off", log_config=None, log_level="warning")
        uvicorn.Server(config).run()


def _end_with_parent() -> None:
    """Wait until whoever started this process is gone, which closes the pipe that is our standard input."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve what the environment's settings name, as long as the service lives that started this process."""
    shut_out_current_folder()
    settings = load()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run(
        desk_of_service(settings),
        settings,
        sys.argv[1],
        int(sys.argv[2]),
        os.environ.get("PREFECT_SERVER_API_AUTH_STRING", ""),
    )


if __name__ == "__main__":
    main()
