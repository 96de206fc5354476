"""The page about forms runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import quarterdeck.wtf

DOCS = Path(__file__).parents[2] / "docs"


async def test_example_of_the_page() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "forms.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "forms_page"}
    for block in blocks:
        exec(block, names)  # noqa: S102  # our own page
    client = names["app"].test_client()

    page = await (await client.get("/")).get_data(as_text=True)
    token = re.findall('name="csrf_token"[^>]* value="([^"]+)"', page)[0]
    assert (await client.post("/", form={"name": "Ada", "csrf_token": token})).status_code == 302
    assert "Hello Ada" in await (await client.get("/")).get_data(as_text=True)
    assert "<h1>Not sent</h1>" in await (await client.post("/")).get_data(as_text=True)
    assert (await client.post("/hook")).status_code == 204
    body = {"id": 1, "lines": [{"good": "Chai", "quantity": 2}]}
    assert await (await client.post("/orders", json=body)).get_json() == body
    form = names["RegisterForm"](data={"name": "taken", "email": "free"}, meta={"csrf": False})
    assert not await form.validate()


def test_public_names_exist_and_are_sorted() -> None:
    names = quarterdeck.wtf.__all__
    assert list(names) == sorted(names)
    assert all(hasattr(quarterdeck.wtf, name) for name in names)
