"""The extension: the Jinja global ``moment`` and the script that translates times."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from quart import url_for

from quarterdeck._assets import AssetBlueprint
from quarterdeck.config import read
from quarterdeck.exceptions import MomentArgumentError

from .config import CONFIG, STATE, MomentState
from .timestamp import Timestamp, When

if TYPE_CHECKING:
    from quart import Quart


_STATIC = Path(__file__).parent / "static"
_SCRIPT = "moment.js"
# Read with the module: an app may be made on the event loop, where a file must not be read.
_VERSION = hashlib.sha256((_STATIC / _SCRIPT).read_bytes()).hexdigest()[:12]
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


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
        STATE.refuse_second(app)
        default_format: str = read(app, CONFIG)["MOMENT_DEFAULT_FORMAT"]
        STATE.attach(app, MomentState(default_format))
        app.register_blueprint(AssetBlueprint("moment", folder=_STATIC, version=_VERSION))
        app.add_template_global(self, "moment")

    def __call__(self, timestamp: When | _Now | None = _NOW, local: bool = False) -> Timestamp:
        """A time to write: a datetime (UTC if it names no zone), a date, ISO text, or now.

        With ``local`` it is a time on the wall: every reader sees the same.

        None is no time and written as nothing, so ``moment(seen_at).fromNow() or "never"``
        shows the right text.

        Raises:
            MomentArgumentError: If it is something else.
        """
        if isinstance(timestamp, _Now):
            timestamp = datetime.now() if local else datetime.now(UTC)  # noqa: DTZ005  # local time is wanted
        return Timestamp(timestamp, STATE.get().default_format, local=local)

    create = __call__

    def include_moment(
        self,
        version: str | None = None,
        local_js: str | None = None,
        no_js: bool = False,
        sri: str | None = None,
        with_locales: bool = True,
        *,
        nonce: str | None = None,
    ) -> Markup:
        """The script's tag, for the end of the page or its head.

        The other arguments choose a copy of moment.js in Flask-Moment. Templates that give them
        work unchanged: there is no moment.js here, and no choice.
        """
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

    def locale(
        self, language: str = "en", auto_detect: bool = False, customization: object = None
    ) -> Markup:
        """As ``lang``; with ``auto_detect`` nothing, because the reader's language is the default.

        Raises:
            MomentArgumentError: If it is not a language code, or for a customization: the
                languages are those of the browser.
        """
        if customization is not None:
            raise MomentArgumentError(
                customization, "cannot change a language", "Write formats with tokens instead."
            )
        return Markup("") if auto_detect else self.lang(language)
