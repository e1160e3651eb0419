"""The pages of the review page, and what they ask for: a FastAPI application over a :class:`flows.review.desk.Desk`.

A document is named by its id in the index; no path comes from an address.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, Field

from flows.faults import EDIT_DOES_NOT_FIT, EditRefused, Stale
from flows.host.moves import Gone, read_below
from flows.host.names import readable
from flows.language import LANGUAGES, _, ngettext, speaking, told
from flows.pipeline import revise
from flows.pipeline.faults import as_fault
from flows.pipeline.revise import Revised
from flows.retold import evidence_told, retold
from flows.review import index, listing, search, wording
from flows.review.desk import Desk, Vanished
from flows.review.entry import NotWhole
from flows.review.fresh import SOON, Fresh
from flows.review.images import PagePictures, Wanted
from flows.review.learned import learned
from flows.review.runs import run_of
from flows.review.security import TOKEN_HEADER, is_ours, new_token, who_asks
from flows.review.views import LIGHTS, DocumentView, PageView
from flows.review.words import asked
from normalize.edits.edit import DoesNotFit, edit_from
from normalize.formats.record import REFERENCE
from ocr.faults import Fault

STATIC = Path(__file__).with_name("static")

LANGUAGE_COOKIE = "nambat-language"

FORMS = {"txt": "text/plain", "md": "text/markdown", "html": "text/html", "json": "application/json"}


FILTERS = tuple(field.name for field in fields(listing.Filter))

LONGEST_ASKED = 500
"""Characters of a value in an address that are heeded."""


LONGEST_FORM = 50_000
"""Bytes of a form that are heeded."""


class NotFound(Exception):
    """There is no such page; ``str()`` says what there is none of."""


def review_app(desk: Desk, pictures: PagePictures) -> FastAPI:
    """The application; it holds no document, so that what is published meanwhile is seen at once."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages = Pages(desk)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _say_what_is_wrong(app, pages)

    @app.middleware("http")
    async def in_their_language(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        with speaking(_language_of(request)):
            answer = await go_on(request)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    @app.get("/language/{speak}")
    def choose_language(speak: str, back: str = "/") -> Response:
        parts = urlsplit(back)
        # Nothing but a path of ours: a browser takes //host and /\host for another one's.
        is_path = not parts.scheme and not parts.netloc and back.startswith("/") and "\\" not in back
        answer = RedirectResponse(back if is_path and not back.startswith("//") else "/", 303)
        if speak in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, speak, max_age=365 * 86400, samesite="lax", httponly=True)
        return answer

    @app.get("/")
    def documents(request: Request) -> Response:
        return pages.documents(request)

    @app.get("/search")
    def found(request: Request, q: str = "", after: str = "") -> Response:
        return pages.found(request, q, after)

    @app.get("/words")
    def words(request: Request, said: str = "", at: str = "") -> Response:
        return pages.words(request, said, at)

    @app.post("/words")
    async def decide(request: Request) -> Response:
        # A plain form: it works without a script.
        given = dict(parse_qsl((await request.body())[:LONGEST_FORM].decode("utf-8", "replace")))
        return await run_in_threadpool(pages.decide, request, given)

    @app.get("/documents/{id}")
    def document(request: Request, id: str) -> Response:
        return pages.document(request, id)

    @app.get("/documents/{id}/pages/{number}")
    def page(request: Request, id: str, number: int) -> Response:
        return pages.page(request, id, number)

    @app.get("/documents/{id}/pages/{number}/image")
    def image(request: Request, id: str, number: int, reduced: int = 2) -> Response:
        return _picture(desk, pictures, pages.view(id), number, 1 if reduced == 1 else 2, request)

    @app.get("/documents/{id}/files/{form}")
    def file(id: str, form: str) -> Response:
        return pages.file(id, form)

    @app.post("/documents/{id}/edits")
    def mend(request: Request, id: str, told: Told) -> Response:
        def change(record: Path, who: str) -> Revised:
            edits = [edit_from(one, who) for one in told.edits]
            return revise.revise(desk.shelf, record, told.seen, edits, who)

        return pages.saved(request, id, change)

    @app.post("/documents/{id}/undo")
    def undo(request: Request, id: str, told: Told) -> Response:
        return pages.saved(request, id, lambda record, who: revise.undo(desk.shelf, record, told.seen))

    @app.post("/documents/{id}/redo")
    def redo(request: Request, id: str, told: Told) -> Response:
        return pages.saved(request, id, lambda record, who: revise.redo(desk.shelf, record, told.seen))

    return app


class Told(BaseModel):
    """What a browser sends to have a document changed.

    Attributes:
        seen: the seal of the document that the person had before them.
        edits: for :func:`normalize.edits.edit.edit_from`, which believes nothing of them.
    """

    seen: str = Field(max_length=64)
    edits: list[dict[str, Any]] = Field(default=[], max_length=100)


Change = Callable[[Path, str], Revised]
"""Saves a change of the document with this JSON; the second argument says who makes it."""


def _language_of(request: Request) -> str:
    """What the person chose; Vietnamese before that."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else "vi"


def _say_what_is_wrong(app: FastAPI, pages: Pages) -> None:
    """A clear page, or a sentence as JSON where a script asks, for all that can go wrong."""

    def answer(request: Request, status: int, heading: str, why: str) -> Response:
        if request.method != "GET":
            return JSONResponse({"message": why}, status)
        return pages.trouble(request, status, heading, why)

    @app.exception_handler(Vanished)
    def vanished(request: Request, fault: Exception) -> Response:
        why = _("It was moved, quarantined or removed meanwhile; the list shows what is there now.")
        return answer(request, 410, _("This document is not here any more"), why)

    @app.exception_handler(NotWhole)
    def not_whole(request: Request, fault: Exception) -> Response:
        why = _("{name} is broken: it is no JSON that nambat published. Read its scan again with `nambat reread`.")
        return answer(request, 422, _("This document cannot be shown"), why.format(name=fault))

    @app.exception_handler(NotFound)
    @app.exception_handler(404)
    def not_found(request: Request, fault: Exception) -> Response:
        return answer(request, 404, _("There is no such page"), _("The list shows all documents."))

    @app.exception_handler(listing.BadPlace)
    def no_such_place(request: Request, fault: Exception) -> Response:
        return not_found(request, fault)

    @app.exception_handler(RequestValidationError)
    def no_such_address(request: Request, fault: Exception) -> Response:
        return not_found(request, fault)


def _picture(
    desk: Desk, pictures: PagePictures, view: DocumentView, number: int, reduced: int, request: Request
) -> Response:
    """The image of a page, as the boxes of the record want it."""
    source = view.record["source"]
    report = next((one for one in view.record["pages"] if one["number"] == number), None)
    if report is None:
        raise NotFound(number)
    sign = f'"{source["sha256"][:20]}-{number}-{report["dpi"]}-{report.get("rotation", 0)}-{report["skew"]}-{reduced}"'
    headers = {"ETag": sign, "Cache-Control": "private, max-age=86400"}
    if request.headers.get("if-none-match") == sign:
        return Response(status_code=304, headers=headers)
    scan = desk.scans.scan_of(source["sha256"], source["bytes"])
    if scan is None:
        raise NotFound(source["name"])
    rotation, skew = report.get("rotation", 0), report["skew"]
    wanted = Wanted(scan, source["sha256"], number, report["dpi"], rotation, skew, reduced)
    try:
        made = pictures.picture(wanted, desk.max_pixels)
    except (Fault, OSError) as fault:
        return Response(told(fault), 503, media_type="text/plain")
    return Response(made, media_type="image/jpeg", headers=headers)


class Pages:
    """The pages as HTML."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.fresh = Fresh(desk.library)
        self.token = new_token()
        self.version = _version_of(STATIC)
        self.templates = Environment(
            loader=PackageLoader("flows.review"), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        self.templates.globals.update(_=_, ngettext=ngettext, retold=retold, lit=wording.lit)
        self.templates.filters["uncited"] = lambda text: REFERENCE.sub("", text)
        self.templates.trim_blocks = self.templates.lstrip_blocks = True

    def name_of(self, id: str) -> str:
        """The JSON with this id.

        Raises:
            Vanished: there is none.
        """
        name = index.name_of(self.desk.library, id)
        if name is None:
            self.fresh.wait(SOON)
            name = index.name_of(self.desk.library, id)
        if name is None:
            raise Vanished(id)
        return name

    def view(self, id: str) -> DocumentView:
        return self.desk.view(self.name_of(id))

    def run_address(self, request: Request, id: str) -> str:
        """Where the Prefect UI shows the run that published a document; empty if there is none.

        Where nothing else is set, it is reached by the name by which this page is: both listen at one address.
        """
        run = run_of(self.desk.library, id) if self.desk.prefect_port else ""
        host = request.url.hostname or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        ui = self.desk.prefect_ui or f"{request.url.scheme}://{host}:{self.desk.prefect_port}"
        return f"{ui}/runs/flow-run/{run}" if run else ""

    def answer(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A page of ours."""
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        given = {"speak": _language_of(request), "version": self.version, "back": back, "here": "", "query": ""}
        return HTMLResponse(self.templates.get_template(template).render({**given, **values}), status)

    def documents(self, request: Request) -> Response:
        """The list, a page of it."""
        given = {name: value[:LONGEST_ASKED] for name, value in request.query_params.items()}
        wanted = listing.Filter(**{name: given.get(name, "") for name in FILTERS})
        order: listing.Order = next((one for one in get_args(listing.Order) if one == given.get("order")), "newest")
        library = self.desk.library
        self.fresh.wait()
        shown = listing.documents(library, wanted, order, after=given.get("after", ""), before=given.get("before", ""))

        def address(**place: str) -> str:
            kept = {name: value for name, value in given.items() if name in (*FILTERS, "order") and value}
            return "/?" + urlencode({**kept, **place})

        return self.answer(
            request,
            "list.html",
            here="list",
            listing=shown,
            runs={one.id: self.run_address(request, one.id) for one in shown.documents},
            total=listing.count(library, wanted),
            choices=listing.choices(library),
            asked=wanted,
            order=order,
            is_filtered=wanted != listing.Filter(),
            orders=wording.orders(),
            states=wording.states(),
            grades=wording.grades(),
            most=max([one.doubtful for one in shown.documents], default=0) or 1,
            next=address(after=shown.after) if shown.after else "",
            previous=address(before=shown.before) if shown.before else "",
            day=wording.day,
        )

    def found(self, request: Request, question: str, after: str) -> Response:
        """What a question finds, each hit leading to its word."""
        self.fresh.wait()
        hits = search.search(self.desk.library, question, after=after)
        phrases = asked(question)

        def address(hit: search.Hit, found: search.Found) -> str:
            place = f"#page={found.page}&where={quote(found.where)}&at={found.offset}&length={found.length}"
            return f"/documents/{hit.document.id}" + ("" if found.where.startswith("metadata/") else place)

        first = "/search?" + urlencode({"q": question})
        following = f"{first}&{urlencode({'after': hits.after})}" if hits.after else ""
        values: dict[str, Any] = {
            "hits": hits,
            "address": address,
            "query": question,
            "marked": lambda text: search.marked(text, phrases),
            "next": following,
            "day": wording.day,
        }
        return self.answer(request, "search.html", **values)

    def words(self, request: Request, said: str, at: str) -> Response:
        """Words that people put right more than once, to be put into the office's list."""
        words = self.desk.words
        self.fresh.wait()
        try:
            found, listed = learned(self.desk.library, words), len(words.words())
        except (OSError, ValueError) as fault:
            return self.no_words(request, fault)
        return self.answer(
            request,
            "learned.html",
            here="words",
            learned=found,
            listed=listed,
            writable=words.is_writable,
            is_used=words.is_used,
            file=readable(words.file),
            token=self.token,
            said=wording.decided().get(said, ""),
            at=int(at) if at.isascii() and at.isdecimal() and len(at) < 4 else -1,
        )

    def decide(self, request: Request, given: Mapping[str, str]) -> Response:
        """Put words into the list, reject them, or offer rejected ones again."""
        heading = _("Nothing was changed")
        if not is_ours(given.get("token", ""), self.token):
            why = _("This page was opened before nambat was started again; show it anew.")
            return self.trouble(request, 403, heading, why)
        words, act = self.desk.words, given.get("act", "")
        if not words.is_writable:
            said = _("{path} cannot be written.").format(path=readable(words.file))
            return self.trouble(request, 403, heading, said)
        try:
            found = learned(self.desk.library, words)
            asked = given.get("before"), given.get("after")
            offers = (*found.offered, *found.rejected)
            offer = next((one for one in offers if (one.before, one.after) == asked), None)
            if offer is None or act not in wording.decided():  # somebody else has decided meanwhile
                return RedirectResponse("/words", 303)
            if act == "accept":
                words.accept(offer, who_asks(request))
            else:
                words.reject(offer.after, rejected=act == "reject")
        except (OSError, ValueError) as fault:
            return self.no_words(request, fault)
        at = found.offered.index(offer) if offer in found.offered else 0
        left = len(found.offered) - (offer in found.offered)
        return RedirectResponse(f"/words?said={act}&at={max(0, min(at, left - 1))}", 303)

    def no_words(self, request: Request, fault: OSError | ValueError) -> Response:
        """The list of words cannot be used."""
        path = readable(self.desk.words.file)
        why = (
            told(as_fault(fault)) if isinstance(fault, OSError) else _("{path} is no text in UTF-8.").format(path=path)
        )
        return self.trouble(request, 503, _("The list of words cannot be used"), why)

    def trouble(self, request: Request, status: int, heading: str, why: str) -> Response:
        return self.answer(request, "trouble.html", status, heading=heading, why=why)

    def document(self, request: Request, id: str) -> Response:
        """One document, with empty places for its pages."""
        name = self.name_of(id)
        view = self.desk.view(name)
        with contextlib.suppress(OSError, sqlite3.Error):
            index.mark_looked_at(self.desk.library, id)
        source = view.record["source"]
        has_scan = bool(source["pages"]) and self.desk.scans.scan_of(source["sha256"], source["bytes"]) is not None
        heading, subject = wording.heading_of(view, name)
        edits = view.record.get("edits", ())
        return self.answer(
            request,
            "document.html",
            id=id,
            name=name,
            run=self.run_address(request, id),
            heading=heading,
            subject=subject,
            pages=list(view.pages.values()),
            counts=view.counts,
            facts=view.facts,
            shown=wording.fact_shown,
            fact_names=wording.fact_names(),
            grades=wording.grades(),
            light_names=wording.light_names(),
            keys=wording.keys(self.desk.is_writable),
            has_scan=has_scan,
            no_scan=wording.no_scan(source),
            image_version=source["sha256"][:12],
            files=[(form, form.upper()) for form in self.forms(name, view)],
            writable=self.desk.is_writable,
            edits=sum(one["applied"] and not one["undone"] for one in edits),
            lost=sum(not one["applied"] and not one["undone"] for one in edits),
            may_undo=view.may_undo,
            may_redo=view.may_redo,
            desk={
                "id": id,
                "seal": view.seal,
                "token": self.token,
                "writable": self.desk.is_writable,
                "types": wording.types_to_choose(),
                "said": wording.said(),
            },
        )

    def page(self, request: Request, id: str, number: int) -> Response:
        """The text of one page, to be put into its place."""
        view = self.view(id)
        if request.headers.get("x-seal", view.seal) != view.seal:
            return JSONResponse({"message": _("The document was changed meanwhile.")}, 409)
        if number not in view.pages:
            raise NotFound(number)
        page = view.page(number)
        return self.answer(
            request,
            "page.html",
            page=page,
            writable=self.desk.is_writable,
            block_types=wording.block_types(),
            reasons=wording.reasons(),
            corrections=_corrections_of(page, view),
        )

    def forms(self, name: str, view: DocumentView) -> Mapping[str, str]:
        """The published files of a document by format: its JSON, and what that lists."""
        folder = Path(name).parent
        listed = [str(one["name"]) for one in view.record.get("files", ())]
        found = {Path(one).suffix[1:]: str(folder / one) for one in listed if one == Path(one).name}
        return {form: place for form, place in {**found, "json": name}.items() if form in FORMS}

    def file(self, id: str, form: str) -> Response:
        """A published file, to be saved."""
        name = self.name_of(id)
        place = self.forms(name, self.desk.view(name)).get(form)
        if place is None:
            raise NotFound(form)
        try:
            content = read_below(self.desk.root, place)
        except (OSError, Gone) as fault:
            raise Vanished(place) from fault
        # Never shown by the browser: an HTML of a scan's words is a stranger's page.
        disposition = f"attachment; filename*=UTF-8''{quote(Path(place).name, safe='')}"
        return Response(content, media_type=FORMS[form], headers={"Content-Disposition": disposition})

    def saved(self, request: Request, id: str, change: Change) -> Response:
        """Save a change, and what the page must know of the document as it is then; or why it was not saved."""
        if not is_ours(request.headers.get(TOKEN_HEADER, ""), self.token):
            said = _("This page was opened before nambat was started again; show it anew.")
            return JSONResponse({"message": said}, 403)
        name = self.name_of(id)
        if not self.desk.is_writable:
            said = _("{folder} cannot be written: documents are shown, not mended.").format(folder=self.desk.root)
            return JSONResponse({"message": said}, 403)
        try:
            change(self.desk.root / name, who_asks(request))
        except Stale as fault:
            return JSONResponse({"message": told(fault)}, 409)
        except EditRefused as fault:
            return JSONResponse({"message": told(fault)}, 422)
        except DoesNotFit as fault:
            return JSONResponse({"message": told(EDIT_DOES_NOT_FIT.fault(why=str(fault)))}, 422)
        except OSError as fault:
            return JSONResponse({"message": told(as_fault(fault))}, 503)
        self.desk.forget(name)
        self.fresh.forget()
        view = self.desk.view(name)
        return JSONResponse(
            {
                "seal": view.seal,
                "counts": {light: view.counts.get(light, 0) for light in LIGHTS},
                "pages": {number: dict(page.counts) for number, page in view.pages.items()},
                "facts": {
                    fact.where: {"value": fact.value, "shown": wording.fact_shown(fact)}
                    for facts in view.facts
                    for fact in facts
                },
                "may_undo": view.may_undo,
                "may_redo": view.may_redo,
            }
        )


def _corrections_of(page: PageView, view: DocumentView) -> dict[int, dict[str, Any]]:
    """What the card of a word tells of the correction that made it."""
    wanted = sorted({word.correction for word in page.words() if word.correction is not None})
    made = view.record["corrections"]
    told_of = ("where", "start", "before", "after", "probability")
    return {
        index: {
            **{name: made[index][name] for name in told_of},
            "evidence": evidence_told(str(made[index]["evidence"])),
        }
        for index in wanted
    }


def _version_of(folder: Path) -> str:
    """Changes with what lies in a folder: browsers keep what they know by this address."""
    content = b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
    return hashlib.sha256(content).hexdigest()[:12]
