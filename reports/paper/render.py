"""From a template and a context to a PDF.

A template engine of its own keeps paper apart from pages: no context processors, no request, and
a name that a template cannot resolve stops the rendering instead of leaving a hole in an official
document. Nothing is fetched from a network: only the style sheets and the chosen fonts are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.template import Context, Engine
from weasyprint import CSS, HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from reports.paper import fonts, wording

BASE_DIR = Path(__file__).resolve().parent.parent.parent
TEMPLATE_DIR = BASE_DIR / "templates"
CSS_DIR = BASE_DIR / "static" / "css"
PRODUCER = "电子邮件系统安全自查与整改平台"


class PaperError(Exception):
    """A document could not be rendered as it must be."""


class _Unresolved(str):
    """Given to the engine as string_if_invalid: printing an unknown name is an error."""

    __slots__ = ()

    def __mod__(self, name: object) -> NoReturn:
        raise PaperError(f"the template prints an unknown name: {name}")


class _LocalFetcher(URLFetcher):
    """Reads files under the given folders and data URLs, nothing else.

    A text from a form can never make the server open a connection or another file.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        super().__init__(allowed_protocols={"file", "data"}, allow_redirects=False)
        self._folders = tuple(folder.resolve() for folder in folders)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Fetch ``url`` or raise FatalURLFetchingError, which WeasyPrint does not swallow."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            path = Path(unquote(parts.path)).resolve()
            if not any(path.is_relative_to(folder) for folder in self._folders):
                raise FatalURLFetchingError(f"not a file of the paper: {url}")
        elif parts.scheme != "data":
            raise FatalURLFetchingError(f"paper fetches nothing: {url}")
        return super().fetch(url, headers)


def font_folders() -> tuple[Path, ...]:
    """Folders with faces, in order of preference: the office's licensed ones, then Fandol."""
    configured = (Path(settings.FONT_DIR),) if settings.FONT_DIR else ()
    return (*configured, Path(settings.VAR_DIR) / "fonts")


@cache
def engine() -> Engine:
    """The template engine of the documents; escapes everything."""
    return Engine(
        dirs=[str(TEMPLATE_DIR)],
        debug=False,
        string_if_invalid=_Unresolved("%s"),
        libraries={"paper": "reports.paper.tags"},
        autoescape=True,
    )


@cache
def _stylesheet() -> CSS:
    """paper.css with the faces found, parsed once per process."""
    folders = font_folders()
    faces = fonts.font_faces(fonts.chosen_files(folders))
    fetcher = _LocalFetcher((CSS_DIR, *folders))
    # @import must come first, so the faces follow it; base_url lets it find tokens.css.
    return CSS(
        string=f'@import url("paper.css");\n{faces}',
        base_url=f"{CSS_DIR.as_uri()}/",
        url_fetcher=fetcher,
        font_config=fonts.configuration(),
    )


def render_html(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    author: str,
    subject: str = "",
    serial: str = "",
    mark: str = "",
    created: datetime,
) -> str:
    """The document as HTML; ``render_pdf`` says what the arguments mean.

    Raises:
        ValueError: ``created`` is naive.
        PaperError: the template prints a name that the context does not have.
    """
    if created.tzinfo is None:
        raise ValueError("created must be an aware datetime")
    meta = {
        "title": title,
        "author": author,
        "subject": subject,
        "keywords": f"{serial}, {mark}" if mark else serial,
        "mark": mark,
        "created": created.astimezone(wording.CHINA).replace(microsecond=0).isoformat(),
        "generator": PRODUCER,
    }
    names = {"unclassified": wording.phrases()["unclassified"], "meta": meta, **context}
    # Paper prints plain figures: 1000, never 1,000.
    return engine().get_template(template).render(Context(names, use_l10n=False))


def render_pdf(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    author: str,
    subject: str = "",
    serial: str = "",
    mark: str = "",
    created: datetime,
) -> bytes:
    """Render one document to a PDF/A-3u with embedded, subset fonts and a tagged structure.

    The same arguments give the same bytes on the same machine: the only date in the file is
    ``created``, and its identifier is a digest of the content.

    Args:
        template: name below templates/, such as ``reports/paper/notice.html``.
        context: what the template reads; every text is escaped.
        title: metadata title.
        author: metadata author, the office or unit that signs.
        subject: metadata subject, the kind of document.
        serial: number of the document, kept as metadata keyword.
        mark: who printed it, when and under which number, for a print that no register keeps; at
            the foot of every page and among the keywords.
        created: aware moment that the document stands for.

    Raises:
        ValueError: ``created`` is naive.
        PaperError: the template prints a name that the context does not have.
    """
    html = render_html(
        template,
        context,
        title=title,
        author=author,
        subject=subject,
        serial=serial,
        mark=mark,
        created=created,
    )
    with fonts.LOCK:
        source = HTML(
            string=html,
            base_url=f"{CSS_DIR.as_uri()}/",
            url_fetcher=_LocalFetcher((CSS_DIR,)),
        )
        pdf = source.write_pdf(
            stylesheets=[_stylesheet()],
            font_config=fonts.configuration(),
            pdf_variant="pdf/a-3u",
            pdf_tags=True,
        )
    return bytes(pdf)


@dataclass(frozen=True, kw_only=True)
class PaperDocument:
    """A document that is ready to be rendered."""

    template: str
    context: Mapping[str, Any]
    title: str
    author: str
    subject: str
    serial: str
    created: datetime
    mark: str = ""

    def html(self) -> str:
        """See ``render_html``."""
        return render_html(self.template, self.context, **self._meta())

    def pdf(self) -> bytes:
        """See ``render_pdf``."""
        return render_pdf(self.template, self.context, **self._meta())

    def _meta(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "author": self.author,
            "subject": self.subject,
            "serial": self.serial,
            "mark": self.mark,
            "created": self.created,
        }
