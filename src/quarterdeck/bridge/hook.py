"""The import hook: extensions that import ``flask`` get the modules of the bridge."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from .old_names import PATCHES, install_old_names

_BRIDGE = "quarterdeck.bridge"
_FLASK = (
    "app", "blueprints", "cli", "config", "ctx", "globals", "helpers", "json", "json.provider",
    "json.tag", "logging", "sessions", "signals", "templating", "testing", "typing", "views",
    "wrappers",
)  # fmt: skip

#: The modules of extensions with a room here, and the packages that the room needs.
_EXTENSIONS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "flask_sqlalchemy": (
        "sqlalchemy",
        ("extension", "model", "pagination", "query", "record_queries", "session", "table",
         "track_modifications"),
        ("sqlalchemy", "aiosqlite"),
    ),
    "flask_wtf": ("wtf", ("csrf", "file", "form"), ("wtforms", "email_validator")),
    "flask_login": (
        "login",
        ("config", "login_manager", "mixins", "signals", "test_client", "utils"),
        ("pwdlib",),
    ),
    "flask_migrate": ("migrate", (), ("alembic",)),
    "flask_mail": ("mail", (), ("aiosmtplib", "email_validator")),
    "flask_bootstrap": ("bootstrap", (), ("wtforms",)),
    "flask_moment": ("moment", (), ()),
    "flask_session": ("session", (), ()),
}  # fmt: skip


def install_import_hook() -> None:
    """Let every later import of ``flask`` and of extensions with a room here find the bridge.

    Call it before the first import of such an extension. Modules that have imported ``flask``
    already keep it, as Quart does. A second call changes nothing.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    install_old_names()
    for name in _FLASK:  # these import the real modules
        import_module(f"{_BRIDGE}.flask.{name}")
    finder = _Finder(_aliases())
    for name in finder.aliases:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, finder)


def _aliases() -> dict[str, str]:
    found = {"flask": f"{_BRIDGE}.flask"}
    found |= {f"flask.{name}": f"{_BRIDGE}.flask.{name}" for name in _FLASK}
    for package, (room, modules, needed) in _EXTENSIONS.items():
        if all(find_spec(name) is not None for name in needed):
            for name in (package, *(f"{package}.{module}" for module in modules)):
                found[name] = f"{_BRIDGE}.{room}"
    return found


class _Finder(MetaPathFinder):
    """Finds the modules of the bridge under the names of those that they stand for."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in PATCHES:
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None and spec.loader is not None:
                spec.loader = _Patching(spec.loader, PATCHES[fullname])
            return spec
        if fullname not in self.aliases:
            return None
        spec = ModuleSpec(fullname, _Loader(self.aliases[fullname]), is_package=True)
        real = PathFinder.find_spec(fullname, path)
        if real is not None and real.submodule_search_locations:
            # The other modules and the files of the real package are found as before.
            spec.submodule_search_locations = list(real.submodule_search_locations)
        return spec


class _Loader(Loader):
    """Makes a module with the names of another one."""

    def __init__(self, source: str) -> None:
        self._source = source

    def exec_module(self, module: ModuleType) -> None:
        source = import_module(self._source)

        def look_up(name: str) -> Any:
            return getattr(source, name)

        names = {k: v for k, v in vars(source).items() if not k.startswith("__")}
        module.__dict__.update(names, __doc__=source.__doc__, __getattr__=look_up)


class _Patching(Loader):
    """Loads a module, and adds the names that a newer version dropped."""

    def __init__(self, loader: Loader, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)

    def __getattr__(self, name: str) -> Any:  # such as the reader of its files
        return getattr(self._loader, name)
