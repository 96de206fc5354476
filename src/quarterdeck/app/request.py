"""The request: its parts are checked when they are read, and refused with a reason."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from quart.globals import current_app
from quart.wrappers import Request as QuartRequest
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType
from werkzeug.sansio.utils import get_host
from werkzeug.utils import cached_property

from quarterdeck._quart import split_blueprint_path

from .body import Body
from .formparser import FormDataParser
from .json import nests_deeper_than


class Request(QuartRequest):
    """A Quart request. Its limits hold for every way of reading the body.

    Attributes:
        refusal: Why the request is refused before any view, if it is.
    """

    body: Body  # type: ignore[assignment]  # Quart's interface, other insides
    body_class = Body  # type: ignore[assignment]  # Quart's interface, other insides
    form_data_parser_class = FormDataParser
    refusal: HTTPException | None = None
    _form_refusal: HTTPException | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.body.patience = self._body_timeout

    @property  # type: ignore[override]  # Quart says int
    def body_timeout(self) -> float | None:
        """Seconds left to wait for the body; a view may set it before it reads."""
        return self.body.patience

    @body_timeout.setter
    def body_timeout(self, seconds: float | None) -> None:
        self._body_timeout = seconds
        if hasattr(self, "body"):
            self.body.patience = seconds

    @cached_property
    def host(self) -> str:
        """The host that the client asked for, without a default port.

        Raises:
            SecurityError: If ``TRUSTED_HOSTS`` does not have it.
        """
        if self.trusted_hosts:
            return get_host(self.scheme, self.headers.get("Host"), self.server, self.trusted_hosts)
        server = None if self.server is None else tuple(self.server)
        return _host_of(self.scheme, self.headers.get("Host"), server)

    @property
    def blueprints(self) -> list[str]:
        """Names of the blueprints of the view, innermost first."""
        rule = self.url_rule
        if rule is None or "." not in rule.endpoint:
            return []
        return split_blueprint_path(rule.endpoint.rpartition(".")[0])

    @property
    def max_content_length(self) -> int | None:
        """Bytes allowed in the body; a view may set it before it reads."""
        return self.body.limit

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self.body.limit = value

    async def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Any:
        """Return the whole body.

        Args:
            cache: Keep it, so that it can be read again.
            as_text: Decode it as UTF-8.
            parse_form_data: Take a form out of it first; the rest is returned.

        Raises:
            BadRequest: If it should be text and is not UTF-8.
        """
        if parse_form_data:
            await self._load_form_data()
        data = await self.body
        if not cache:
            self.body.clear()
        return _decode(data) if as_text else data

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body read as JSON.

        Args:
            force: Whatever its type.
            silent: None instead of an error.
            cache: Keep the result.

        Raises:
            UnsupportedMediaType: If its type is not JSON.
            BadRequest: If it is not JSON, or nested deeper than ``MAX_JSON_DEPTH``.
            RequestEntityTooLarge: If it is larger than ``MAX_JSON_SIZE``.
        """
        if cache and self._cached_json[silent] is not Ellipsis:
            return self._cached_json[silent]
        if not (force or self.is_json):
            return None if silent else self.on_json_loading_failed(None)
        try:
            result = self._read_json(await self._json_data(cache))
        except ValueError as error:
            result = None if silent else self.on_json_loading_failed(error)
        if cache:
            self._cached_json[silent] = result
        return result

    async def _json_data(self, cache: bool) -> bytes:
        limit = current_app.config["MAX_JSON_SIZE"]
        if self.body.limit is None or limit < self.body.limit:
            self.body.limit = limit  # so that no more than that is received
        return cast(bytes, await self.get_data(cache=cache))

    def _read_json(self, data: bytes) -> Any:
        limit = current_app.config["MAX_JSON_DEPTH"]
        value = self.json_module.loads(data)
        # Without that many brackets it cannot be that deep.
        brackets = data.count(b"[") + data.count(b"{")
        if brackets > limit and nests_deeper_than(value, limit):
            raise ValueError(f"it is nested deeper than {limit} levels")
        return value

    def on_json_loading_failed(self, error: Exception | None) -> Any:
        """Refuse the request with the reason; override it to return a value instead.

        Args:
            error: The error of the decoder; None if the type of the body is not JSON.

        Raises:
            UnsupportedMediaType: If the type of the body is not JSON.
            BadRequest: If the body cannot be read.
        """
        if error is None:
            raise UnsupportedMediaType(
                "The body is not JSON by its 'Content-Type'. Send 'application/json'."
            )
        if isinstance(error, UnicodeDecodeError):
            raise BadRequest("The JSON body is not valid UTF-8.") from error
        raise BadRequest(f"The JSON body cannot be read: {error}.") from error

    async def _load_form_data(self) -> None:
        async with self._parsing_lock:
            if self._form_refusal is not None:
                raise self._form_refusal
            if self._form is not None:
                return
            parser = self.make_form_data_parser()
            try:
                self._form, self._files = await parser.parse(
                    cast(Any, self.body), self.mimetype, self.content_length, self.mimetype_params
                )
            except HTTPException as error:
                self._form_refusal = error  # half of it is read: it cannot be tried again
                raise


@lru_cache(256)
def _host_of(scheme: str, header: str | None, server: Any) -> str:
    return get_host(scheme, header, server)


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not valid UTF-8.") from error
