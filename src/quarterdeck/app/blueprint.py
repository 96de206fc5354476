"""The blueprint, with the hook that Flask once had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import quart
from flask.sansio.scaffold import setupmethod
from quart import current_app
from werkzeug.security import safe_join

from quarterdeck._cli import AppGroup
from quarterdeck.exceptions import ApplicationClassError

from .application import Quart
from .helpers import send_from_directory
from .resources import Resources

F = TypeVar("F", bound=Callable[[], Any])


class Blueprint(Resources, quart.Blueprint):
    """A Quart blueprint with ``before_app_first_request`` and async commands."""

    def __init__(self, name: str, import_name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, import_name, *args, **kwargs)
        self.cli = AppGroup(name=self.name)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return the seconds to keep a file of this blueprint; that of the app by default."""
        return current_app.get_send_file_max_age(filename)

    async def send_static_file(self, filename: str) -> Any:
        """Answer with a file of ``static_folder``."""
        if not self.static_folder:
            raise RuntimeError(f"'{self.name}' has no 'static_folder'. Give it one.")
        path = safe_join(str(self.static_folder), filename)
        age = self.get_send_file_max_age(path)
        return await send_from_directory(str(self.static_folder), filename, max_age=age)

    @setupmethod
    def before_app_first_request(self, function: F) -> F:
        """Run ``function`` once per process, before the app's first request is handled.

        A blueprint that is registered twice still has it run once.

        Raises:
            ApplicationClassError: At registration, if the app is not a ``quarterdeck.app.Quart``.
        """

        def add(state: quart.blueprints.BlueprintSetupState) -> None:
            if not isinstance(state.app, Quart):
                raise ApplicationClassError("before_app_first_request")
            state.app.before_first_request(function)

        self.record_once(cast(Any, add))
        return function

    def _merge_blueprint_funcs(self, app: Any, name: str) -> None:
        super()._merge_blueprint_funcs(app, name)
        for key, functions in self.teardown_websocket_funcs.items():  # Quart 0.22 leaves them out
            owner = app.teardown_websocket_funcs[name if key is None else f"{name}.{key}"]
            owner.extend(function for function in functions if function not in owner)
