"""The page at `/`: type, choose a voice, hear it while it is made. Plain files of the package, which need no other host."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Request, Response

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/speech.js": ("speech.js", "text/javascript; charset=utf-8"),
    "/player.js": ("player.js", "text/javascript; charset=utf-8"),
    "/waveform.js": ("waveform.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Path -> file in `page/`, Content-Type."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A new version of the server is a new page, and the files are small.
    "Cache-Control": "no-cache",
}


def page_router() -> APIRouter:
    """Routes of the page and its files, which are read once, here."""
    folder = resources.files(__package__) / "page"
    answers = {path: ((folder / name).read_bytes(), media_type) for path, (name, media_type) in FILES.items()}

    async def file(request: Request) -> Response:
        content, media_type = answers[request.url.path]
        return Response(content, media_type=media_type, headers=HEADERS)

    router = APIRouter(include_in_schema=False)
    for path in FILES:
        router.add_api_route(path, file, methods=["GET", "HEAD"])
    return router
