"""The measurements fit the tables and templates of today."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from bench import orders
from sqlalchemy import create_engine, func, insert, select

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Order, Role, User


def _fill(path: Path) -> str:
    url = f"sqlite:///{path / 'crm.sqlite3'}"
    engine = create_engine(url)
    db.metadata.create_all(engine)
    user = {"email": orders.EMAIL, "name": "Ada", "role": Role.ADMIN, "password_hash": "-"}
    with engine.begin() as connection:
        connection.execute(insert(User), user)

    orders.fill(url)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count(Order.id))) == orders.ORDERS
    engine.dispose()
    return url


def test_a_peer_shows_the_orders_with_the_templates_of_the_crm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _fill(tmp_path)
    orders.write_links(tmp_path)
    for name, value in orders.settings_for(tmp_path, url, url, url).items():
        monkeypatch.setenv(name, value)
    peer = importlib.import_module("bench.peers.flask_orders")  # which reads them
    client = peer.create_app().test_client()
    client.get("/sign-in")

    page = client.get(orders.PATH)

    assert page.status_code == 200
    assert page.text.count('class="row-link"') == 20
