"""What takes an app longest to do for the first time, done once for the apps of all tests.

Each test has an app of its own, which would compile each statement, load each template and read
each catalogue again: together more than a third of the CPU time of most tests.
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType

from babel.support import Translations
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from quart import Quart
from sqlalchemy import Dialect, Engine, event

from quarterdeck.babel import catalogs

# Engines that have connected, so their dialect is ready. On a server it knows its schema too.
_first: dict[tuple[type[Dialect], str | None], Engine] = {}
_codes: dict[tuple[str, str], CodeType] = {}
_catalogs: dict[tuple[object, ...], Translations | None] = {}
_read_file = catalogs.read


def share_compiled(app: Quart) -> None:
    """Give the app the statements that other apps have compiled.

    Its dialects must have the arguments that those of the other apps have.
    """
    for engine in app.extensions["sqlalchemy"]._state.get(app).engines.values():
        _share_statements(engine.sync_engine)


def _share_statements(engine: Engine) -> None:
    """Let an engine use the cache of the first one, whose keys contain the dialect."""
    is_file = engine.dialect.name == "sqlite"
    kind = (type(engine.dialect), None if is_file else engine.url.database)
    first = _first.get(kind)
    if first is None:
        event.listen(engine, "connect", lambda *_: _first.setdefault(kind, engine), once=True)
    else:
        engine.dialect = engine.pool._dialect = first.dialect
        engine._compiled_cache = first._compiled_cache


def share_templates() -> None:
    """Let each environment that names no bytecode cache use the templates of all others."""
    *others, enable_async = Environment.__init__.__defaults__ or ()
    Environment.__init__.__defaults__ = (*others[:-1], _Codes(), enable_async)


def share_catalogs() -> None:
    """Let each app use the catalogues that others have read, while their files stay as they are."""
    catalogs.read = _read


def _read(compiled: Path) -> Translations | None:
    files = [compiled, compiled.with_suffix(".po")]
    found = [file.stat() for file in files if file.exists()]
    key = (str(compiled), *((each.st_mtime_ns, each.st_size) for each in found))
    if key not in _catalogs:
        _catalogs[key] = _read_file(compiled)
    return _catalogs[key]


class _Codes(BytecodeCache):
    """The code of templates, kept in memory."""

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """Return the bucket for a template under the options that decide on its code."""
        escapes = environment.autoescape
        options = (
            environment.is_async,
            environment.optimized,
            environment.finalize,
            environment.trim_blocks,
            environment.lstrip_blocks,
            environment.keep_trailing_newline,
            sorted(environment.extensions),
            escapes(name) if callable(escapes) else escapes,
        )
        return super().get_bucket(environment, f"{name} {options}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = _codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        _codes[bucket.key, bucket.checksum] = bucket.code
