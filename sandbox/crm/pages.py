"""The account's pages: the menu of users, the one page that is all routes of the CRM, and its files.

The page itself is static (`sandbox/pages/`); only its constants (user, account, colleagues) are written into it here,
as amoCRM does (amocrm.md 1.9). Everything else the page asks of REST with its cookie.
"""

import json
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.crm.hal import Json, problem
from sandbox.crm.sessions import Sessions
from sandbox.settings import Settings
from sandbox.staff import USERS, User, user_by_id

PAGES: Final = Path(__file__).parent.parent / "pages"
SECTIONS: Final = ("leads", "contacts", "companies")


class Pages:
    """Routes of the menu and of every address of the CRM that a browser may open or reload."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self.routes = [
            Route("/", self._home),
            Route("/login", self._menu),
            Route("/login/{user:int}", self._enter),
            Route("/logout", self._leave),
            Route("/sandbox/session", self._session),
            Route("/pages/jquery.js", self._jquery),
            Mount("/pages", StaticFiles(directory=PAGES)),
        ]
        for section in SECTIONS:
            self.routes += [
                Route(f"/{section}", self._page),
                Route(f"/{section}/list", self._page),
                Route(f"/{section}/detail/{{id:int}}", self._page),
            ]
        self.routes += [Route("/contacts/add", self._page), Route("/settings/widgets", self._page)]

    def constants(self, user: User) -> dict[str, Json]:
        """What `APP.constant(name)` gives that user: the keys of amocrm.md 1.9."""
        settings = self._settings
        managers: dict[str, Json] = {
            str(one.id): {
                "id": one.id, "title": one.name, "option": one.name, "active": True, "login": one.login,
                "status": "", "is_admin": "Y" if one.is_admin else "N", "free_user": "Y" if one.is_free else "N",
                "amojo_id": "", "amo_profile_id": None, "avatar": "", "theme": "light", "phone": one.extension or "",
                "group": "group_0",
            }
            for one in USERS
        }  # fmt: skip
        return {
            "user": {
                "id": user.id, "name": user.name, "login": user.login, "personal_mobile": "", "amojo_id": "",
                "uuid": "", "api_key": "", "photo": "", "settings": {}, "theme": "light", "user_rank": user.post,
                "group_mates_ids": [],
            },
            "user_rights": {"is_admin": user.is_admin, "is_free_user": user.is_free},
            "account": {
                "id": settings.account_id, "subdomain": settings.subdomain, "name": settings.account_name,
                "timezone": "Europe/Moscow", "top_level_domain": "ru", "users": {str(u.id): u.name for u in USERS},
                "cf": {}, "pay_type": "trial", "is_chats_inbox_enabled": False, "language": "ru",
            },
            "managers": managers,
            "groups": {"group_0": "Отдел продаж"},
            "task_types": {"1": "Связаться", "2": "Встреча"},
            "sandbox": {"gateway_url": settings.gateway_url, "extension": user.extension, "widget_code": settings.widget_code},
        }  # fmt: skip

    async def _home(self, request: Request) -> Response:
        known = self._sessions.user_of(request) is not None
        return RedirectResponse("/leads/list" if known else "/login", 303)

    async def _menu(self, request: Request) -> Response:
        rows = "".join(
            f'<a class="login__user" href="/login/{user.id}"><b>{escape(user.name)}</b>'
            f"<span>{escape(user.post)}</span>"
            f"<i>{'внутренний ' + user.extension if user.extension else 'без телефона'}</i></a>"
            for user in USERS
        )
        html = (PAGES / "login.html").read_text("utf-8")
        html = html.replace("{{account}}", escape(self._settings.account_name)).replace("{{users}}", rows)
        return HTMLResponse(html)

    async def _enter(self, request: Request) -> Response:
        user = user_by_id(request.path_params["user"])
        if user is None:
            return problem(404, "User not found")
        to = request.query_params.get("to", "/leads/list")
        response = RedirectResponse(
            to if to.startswith("/") and not to.startswith("//") else "/leads/list", 303
        )
        self._sessions.open(user, response)
        return response

    async def _leave(self, request: Request) -> Response:
        response = RedirectResponse("/login", 303)
        self._sessions.close(request, response)
        return response

    async def _session(self, request: Request) -> Response:
        user = self._sessions.user_of(request)
        return (
            problem(401, "Invalid user name or password")
            if user is None
            else JSONResponse({"user_id": user.id})
        )

    async def _jquery(self, request: Request) -> Response:
        return FileResponse(str(files("xstatic.pkg.jquery") / "data" / "jquery.min.js"))

    async def _page(self, request: Request) -> Response:
        user = self._sessions.user_of(request)
        if user is None:
            return RedirectResponse("/login", 303)
        html = (PAGES / "index.html").read_text("utf-8")
        # `</` inside a script element would end it: a name in the constants must not be able to
        constants = json.dumps(self.constants(user), ensure_ascii=False).replace("</", "<\\/")
        html = html.replace("{{constants}}", constants).replace(
            "{{account}}", escape(self._settings.account_name)
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})
