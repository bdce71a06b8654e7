"""Who may see the page: an ASGI wrapper that checks every request before anything else does.

- Host: only an IP address or a name of this computer. A foreign name that points here is DNS rebinding: a web page
  elsewhere trying to read this one as its own.
- Origin: a WebSocket opened by a page from elsewhere is refused (browsers do not stop it, and always say where from).
- Token, where one is set: as `?token=` once, then as a cookie.

Every answer carries the security headers.
"""

import hmac
import socket
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from string import Template
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from host.texts.language import language, languages

COOKIE = "hamstream_token"
COOKIE_AGE_S = 30 * 24 * 3600

SECURITY_HEADERS = {
    # Only what this server sends is loaded or run. plotly.js writes style elements, hence 'unsafe-inline' for styles.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps `app`. `names`: host names this computer goes by, beyond IP addresses, localhost and its own name.

    The page `denied` is sent, with status 401, to a browser that comes without the token: a template for the words of
    `[page.token]`, in the browser's language.
    """

    def __init__(self, app: ASGIApp, token: str | None, denied: str, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._token = token
        self._denied = Template(denied)
        own = socket.gethostname().lower()
        self._names = {name.lower() for name in names} | {"localhost", own, f"{own}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            return await self._app(scope, receive, send_guarded)
        if scope["type"] == "websocket":
            # Closing before accepting: the handshake is answered with 403.
            return await send({"type": "websocket.close", "code": 1008})
        return await refusal(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead of the page; None lets the request through."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own(host):
            return PlainTextResponse("This server does not go by that name.\n", 421)
        if scope["type"] == "websocket" and urlsplit(headers.get("origin", f"//{host}")).netloc != host:
            return PlainTextResponse("Pages from elsewhere may not connect.\n", 403)
        if self._token is None:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        given = dict(query).get("token")
        if given is None:
            return None if self._matches(_cookie(headers)) else self._ask(headers)
        if not self._matches(given):
            return self._ask(headers)
        return None if scope["type"] == "websocket" else self._let_in(scope, query)

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_address(name)

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())

    def _ask(self, headers: Headers) -> Response:
        code = _language(headers.get("accept-language", ""))
        html = self._denied.substitute(language(code).page["token"], language=code)
        return HTMLResponse(html, 401, headers={"cache-control": "no-store"})

    def _let_in(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """Keeps the token in a cookie and takes it out of the address, where it would be seen and shared."""
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        # A path such as //elsewhere would send the browser, and what it knows, to another server.
        path = "/" + scope["path"].lstrip("/\\")
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), 303, headers={"cache-control": "no-store"})
        response.set_cookie(
            COOKIE,
            self._token or "",
            max_age=COOKIE_AGE_S,
            httponly=True,
            # Not "strict": the page opened from a link in a message would then be asked for the token again.
            samesite="lax",
            secure=scope.get("scheme") in ("https", "wss"),
        )
        return response


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _language(accepted: str) -> str:
    """The first of the languages that a browser accepts in which there are texts; they come by preference."""
    bases = (part.split(";")[0].split("-")[0].strip().lower() for part in accepted.split(","))
    return next((code for code in bases if code in languages()), "en")


def _cookie(headers: Headers) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
