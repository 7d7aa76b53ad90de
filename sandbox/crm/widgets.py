"""`POST /ajax/widgets/list` and the unpacked archive under `/widget/`: how the pages come to a widget (amocrm.md 1.7).

Reads the manifest at every request, so that a rebuilt widget is there after F5. Settings are filled by the fields'
types, as an administrator would: a `users` field gets user → extension, a text field gets the gateway's address.
"""

import json
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.crm.hal import Json, problem
from sandbox.crm.sessions import Sessions
from sandbox.settings import Settings
from sandbox.staff import USERS

# amocrm.md 1.3: which of the manifest's locations belong to an area of the pages; `everywhere` belongs to all.
_AREA_LOCATIONS: Final = {
    "lcard": "lcard", "ccard": "ccard", "comcard": "comcard", "llist": "llist", "clist": "clist",
    "settings": "settings",
}  # fmt: skip


class WidgetShelf:
    """The one integration of the account. Invariant: only files inside the widget's folder are served."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self.active = True
        self.routes = [
            Route("/ajax/widgets/list", self._list, methods=["POST"]),
            Route("/sandbox/widget", self._switch, methods=["POST"]),
            Route("/widget/{path:path}", self._file),
        ]

    def descriptor(self, area: str) -> dict[str, Json] | None:
        """The widget as the list describes it, or None when there is none for that area."""
        manifest = self._manifest()
        if manifest is None:
            return None
        locations = [str(place) for place in _items(manifest.get("locations"))]
        wanted = _AREA_LOCATIONS.get(area, "")
        if "everywhere" not in locations and not any(place.split("-")[0] == wanted for place in locations):
            return None
        widget = manifest.get("widget")
        about = widget if isinstance(widget, dict) else {}
        path = f"{self._settings.base_url}/widget"
        version = str(about.get("version", "0"))
        return {
            "id": 1, "code": self._settings.widget_code, "name": "Трубка", "description": "", "category_id": 1,
            "src": f"{path}/script.js", "lang": f"{path}/i18n/ru.json", "path": path, "cdn_path": path,
            "images_path": f"{path}/images", "cdn_images_path": f"{path}/images",
            "settings": self._filled(manifest.get("settings")), "installed_version": version, "version": version,
            "init_once": "Y" if about.get("init_once") else "N", "active": "Y" if self.active else "N",
            "status": "installed", "support": about.get("support", {}),
            "oauth_client_uuid": self._settings.client_uuid,
        }  # fmt: skip

    def _manifest(self) -> dict[str, Json] | None:
        if self._settings.widget_dir is None:
            return None
        try:
            read: object = json.loads((self._settings.widget_dir / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None  # not built yet, or half written: the pages say so, and the next load asks again
        return read if isinstance(read, dict) else None

    def _filled(self, fields: Json) -> Json:
        filled: dict[str, Json] = {}
        for name, field in fields.items() if isinstance(fields, dict) else ():
            kind = field.get("type") if isinstance(field, dict) else None
            if kind == "users":
                filled[name] = {str(user.id): user.extension or "" for user in USERS}
            elif kind == "text":
                filled[name] = self._settings.gateway_url
        return filled

    async def _list(self, request: Request) -> Response:
        if self._sessions.user_of(request) is None:
            return problem(401, "Invalid user name or password")
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        area = form.get("area", [""])[0]
        found = self.descriptor(area)
        widgets = {} if found is None else {self._settings.widget_code: found}
        return JSONResponse({"widgets": widgets, "system": {"area": area}})

    async def _switch(self, request: Request) -> Response:
        """The settings window's Install and Disable: `{"active": true}`."""
        body = await request.json()
        self.active = bool(body.get("active", True))
        return JSONResponse({"active": self.active})

    async def _file(self, request: Request) -> Response:
        root = self._settings.widget_dir
        path = (root / request.path_params["path"]).resolve() if root is not None else None
        if root is None or path is None or not path.is_relative_to(root.resolve()) or not path.is_file():
            return problem(404, "Not Found")
        return FileResponse(path, headers={"Cache-Control": "no-cache"})


def built_widget(root: Path) -> Path | None:
    """The folder of the unpacked archive in a source tree at `root`, or None when it has not been built."""
    folder = root / "widget" / "dist"
    for candidate in (folder, folder / "widget", folder / "archive"):
        if (candidate / "manifest.json").is_file():
            return candidate
    return None


def _items(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []
