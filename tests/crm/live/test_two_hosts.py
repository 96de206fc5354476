"""Two hosts with two workers each behind nginx, one MariaDB and one Redis, as ``deploy/`` says.

The hosts are loopback addresses with folders of their own; nginx runs ``deploy/nginx.conf`` with
the addresses and the certificate of the test.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers import Server, free_port, mariadb, redis_server, running
from tests.services import require_program
from tests.serving import Site, crm
from tests.shop import Shop, audit, open_shop, order_during

DEPLOY = Path(__file__).parents[3] / "deploy"
HOSTS = ("127.0.0.2", "127.0.0.3")
CLIENTS = 6
WAIT = 30.0
EMAIL, PASSWORD = "grace@example.com", "nine lanterns over Trieste"

pytestmark = [
    pytest.mark.feature("AP6"),
    pytest.mark.timeout(300),
    pytest.mark.external_service("nginx"),
    pytest.mark.external_service("MariaDB"),
]


@dataclass
class Cluster:
    """Two hosts and what is in front of them."""

    shop: Shop
    sites: list[Site]
    url: str
    folder: Path

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "certificate.pem")

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return a client that comes from a loopback address."""
        transport = httpx.AsyncHTTPTransport(verify=self.tls, local_address=address)
        return httpx.AsyncClient(
            transport=transport, base_url=self.url, timeout=WAIT, follow_redirects=True
        )

    def hosts_of(self, pattern: str) -> set[str]:
        """Return which hosts answered the requests whose line in nginx's log fits."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return {line.split()[0].split(":")[0] for line in lines if re.search(pattern, line)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    nginx = require_program("nginx", "nginx", "/usr/sbin/nginx")
    with ExitStack() as stack:
        maria = stack.enter_context(running(mariadb(folder)))
        redis = stack.enter_context(running(redis_server(folder)))
        uri = f"mysql+asyncmy://root@127.0.0.1:{maria.port}/crm"
        shop = open_shop(folder, uri, pieces=100_000)
        settings = {
            "CRM_CONFIG": "production",
            "SECRET_KEY": os.urandom(32).hex(),
            "DATABASE_URL": uri,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "CRM_TRUSTED_HOSTS": '["localhost"]',
            "CRM_TRUSTED_PROXIES": "127.0.0.1",
            "CRM_ATTACHMENT_FOLDER": str(folder / "attachments"),
            "CRM_IMPORT_FOLDER": str(folder / "imports"),
            "CRM_LIMIT_API": "100000/minute",
            "CRM_WORKERS": "2",
        }
        sites = []
        for host in HOSTS:
            (folder / host).mkdir()
            sites.append(Site(folder / host, host, **settings))
        create = ("user", "create", EMAIL, "--name", "Grace", "--password-stdin")
        crm(folder / HOSTS[0], *create, stdin=PASSWORD, **settings)
        for site in sites:
            site.begin()
        for site in sites:
            stack.callback(site.kill)
            site.wait()
        proxy = Server([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)], free_port())
        _configure(folder, sites, proxy.port)
        stack.enter_context(running(proxy))
        yield Cluster(shop, sites, f"https://localhost:{proxy.port}", folder)


def _configure(folder: Path, sites: list[Site], port: int) -> None:
    """Write nginx's configuration around the shipped one, and make a certificate."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key),
        ],
        check=True,
        capture_output=True,
    )
    shipped = (DEPLOY / "nginx.conf").read_text()
    for written, ours in {
        "10.0.0.11:8000": f"{sites[0].host}:{sites[0].port}",
        "10.0.0.12:8000": f"{sites[1].host}:{sites[1].port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "crm.example.com;": "localhost;",
        "/etc/ssl/crm.example.com.pem": str(certificate),
        "/etc/ssl/crm.example.com.key": str(key),
    }.items():
        assert shipped.count(written) == 1, written
        shipped = shipped.replace(written, ours)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid;\n"
        f"{'user root; ' if os.geteuid() == 0 else ''}error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ {temporary}\n"
        "log_format hosts '$upstream_addr $remote_addr $status $request';\n"
        f"access_log {folder}/access.log hosts;\n{shipped}\n}}\n"
    )


async def sign_in(client: httpx.AsyncClient) -> None:
    page = await client.get("/auth/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    fields = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1]}
    answer = await client.post("/auth/login", data=fields, headers={"Origin": str(client.base_url)})
    assert answer.status_code == 200, answer.text
    assert "Grace" in answer.text


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[ClientConnection]:
    url = cluster.url.replace("https", "wss") + "/ws"
    headers = {"Authorization": f"Bearer {cluster.shop.token}"}
    async with connect(url, ssl=cluster.tls, additional_headers=headers) as socket:
        yield socket


async def test_who_signs_in_on_one_host_is_signed_in_on_the_other(cluster: Cluster) -> None:
    async with cluster.client() as client:
        await sign_in(client)
        for number in range(4):
            page = await client.get(f"/accounts/?sign-in={number}")
            assert page.url.path == "/accounts/"

    assert cluster.hosts_of("200 GET /accounts/.sign-in=") == set(HOSTS)


async def test_the_hosts_see_the_client_and_its_scheme(cluster: Cluster) -> None:
    async with cluster.client("127.0.0.9") as client:
        client.follow_redirects = False
        answer = await client.get("/orders/", headers={"X-Forwarded-For": "203.0.113.7"})

    assert answer.headers["Strict-Transport-Security"]
    async with asyncio.timeout(WAIT):  # lines are written a moment after the answer
        while "127.0.0.9" not in (logs := "".join(site.printed for site in cluster.sites)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "203.0.113.7" not in logs


async def test_an_event_of_one_host_comes_to_clients_of_the_other(cluster: Cluster) -> None:
    async with connected(cluster) as one, connected(cluster) as other:
        for socket in (one, other):
            await socket.send('{"type": "subscribe", "room": "orders"}')
            await heard(socket, "subscribed")
        await one.send('{"type": "say", "room": "orders", "text": "ahoy"}')
        assert (await heard(other, "event"))["data"]["text"] == "ahoy"

    assert cluster.hosts_of("101 GET /ws") == set(HOSTS)


async def heard(socket: ClientConnection, kind: str) -> dict[str, dict[str, str]]:
    """Return the next message of a kind."""
    async with asyncio.timeout(WAIT):
        while (message := json.loads(await socket.recv()))["type"] != kind:
            pass
    found: dict[str, dict[str, str]] = message
    return found


async def test_a_rolling_deploy_loses_nothing(cluster: Cluster) -> None:
    """Each host is stopped and started while orders are placed and confirmed."""

    def deploy() -> None:
        for site in cluster.sites:
            assert site.stop() == 0
            site.start()
            _admit_again(cluster, site)

    started = time.monotonic()
    await order_during(cluster.shop, cluster.url, deploy, clients=CLIENTS, each=3)

    assert cluster.shop.failures(started) == []
    await asyncio.to_thread(audit, cluster.shop)


async def test_users_go_on_when_a_host_dies(cluster: Cluster) -> None:
    """What was under way on it fails, and nothing that was acknowledged is lost."""
    doomed = cluster.sites[0]

    def die() -> None:
        workers = doomed.workers
        doomed.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)

    async with cluster.client() as client:
        await sign_in(client)
        started = time.monotonic()
        await order_during(cluster.shop, cluster.url, die, clients=CLIENTS, each=3)
        for _ in range(4):
            assert (await client.get("/orders/")).status_code == 200

    assert len(cluster.shop.failures(started)) <= CLIENTS
    await asyncio.to_thread(audit, cluster.shop)
    await asyncio.to_thread(doomed.start)


def _admit_again(cluster: Cluster, site: Site) -> None:
    """Wait until nginx sends requests to a host again."""
    deadline = time.monotonic() + WAIT
    mark = f"/health/live?at={time.monotonic_ns()}"
    while site.host not in cluster.hosts_of(re.escape(mark)):
        assert time.monotonic() < deadline
        httpx.get(cluster.url + mark, verify=cluster.tls, trust_env=False)
        time.sleep(0.05)
