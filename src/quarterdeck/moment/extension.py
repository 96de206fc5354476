"""The extension: the Jinja global ``moment`` and the script that translates times."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from quart import url_for

from quarterdeck._assets import AssetBlueprint
from quarterdeck._config import ConfigKey, read, text
from quarterdeck._state import ExtensionState
from quarterdeck.exceptions import MomentArgumentError

from .timestamp import Timestamp, When

if TYPE_CHECKING:
    from quart import Quart

CONFIG = (ConfigKey("MOMENT_DEFAULT_FORMAT", "LLL", text, "What 'format()' without tokens shows"),)

_STATIC = Path(__file__).parent / "static"
_SCRIPT = "moment.js"
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_STATE: ExtensionState[str] = ExtensionState("moment", "Moment")


class _Now:
    """Tells ``moment()``, which is now, from ``moment(None)``, which is no time."""


_NOW: Final = _Now()


class Moment:
    """Times in the reader's zone and language: ``{{ moment(order.placed_at).fromNow() }}``.

    Args:
        app: Initialised at once if given.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Register the script and the Jinja global ``moment``.

        Raises:
            ConfigurationError: If ``MOMENT_DEFAULT_FORMAT`` is no text.
            ExtensionAlreadyInitializedError: If the app has Moment already.
        """
        _STATE.refuse_second(app)
        default_format: str = read(app, CONFIG)["MOMENT_DEFAULT_FORMAT"]
        _STATE.attach(app, default_format)
        app.register_blueprint(AssetBlueprint("moment", folder=_STATIC, version=_version()))
        app.add_template_global(self, "moment")

    def __call__(self, value: When | _Now | None = _NOW) -> Timestamp:
        """A time to write: a datetime (UTC if it names no zone), a date, ISO text, or now.

        None is no time and written as nothing, so ``moment(seen_at).fromNow() or "never"``
        says what it should.

        Raises:
            MomentArgumentError: If it is something else.
        """
        time = datetime.now(UTC) if isinstance(value, _Now) else value
        return Timestamp(time, _STATE.get())

    def include_moment(self, nonce: str | None = None) -> Markup:
        """The script's tag, for the end of the page or its head."""
        attribute = Markup(' nonce="{}"').format(nonce) if nonce else Markup("")
        url = url_for("moment.static", filename=_SCRIPT)
        return Markup('<script type="module" src="{}"{}></script>').format(url, attribute)

    def lang(self, language: str) -> Markup:
        """Write all times of the page in one language instead of the reader's own.

        Raises:
            MomentArgumentError: If it is not a language code such as ``es`` or ``pt-BR``.
        """
        if not _LOCALE.fullmatch(language):
            raise MomentArgumentError(language, "is not a language code", "Write it like 'es'.")
        code = language.replace("_", "-")
        return Markup('<template data-moment-locale="{}"></template>').format(code)

    locale = lang


@cache
def _version() -> str:
    return hashlib.sha256((_STATIC / _SCRIPT).read_bytes()).hexdigest()[:12]
