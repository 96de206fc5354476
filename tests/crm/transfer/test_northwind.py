"""Microsoft's sample business, not part of the repository: NORTHWIND_DIR says where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crm.cli.test_cli import Crm, crm, ready, upgraded
from tests.crm.conftest import Auth

from .importer import Importer, figures

__all__ = ["crm", "ready", "upgraded"]  # fixtures

pytestmark = pytest.mark.external_service("northwind")


@pytest.fixture
def northwind() -> Path:
    """The folder with the sample."""
    folder = os.environ.get("NORTHWIND_DIR")
    if not folder:
        pytest.skip("NORTHWIND_DIR does not say where Microsoft's Northwind sample is")
    return Path(folder)


@pytest.mark.feature("AP3")
def test_commands_import_it_and_a_second_time_changes_nothing(ready: Crm, northwind: Path) -> None:
    orders = ("orders", f"{northwind}/orders.csv", "--lines", f"{northwind}/order_details.csv")
    kinds = (
        ("accounts", f"{northwind}/customers.csv"),
        ("goods", f"{northwind}/products.csv"),
        orders,
    )

    tried = [ready("import", *kind, "--dry-run").stdout for kind in kinds[:2]]
    first = [ready("import", *kind).stdout for kind in kinds]
    second = [ready("import", *kind).stdout for kind in kinds]

    assert tried == [
        "Would have imported accounts: 91 new, 0 changed, 0 unchanged.\n",
        "Would have imported goods: 77 new, 0 changed, 0 unchanged.\n",
    ]
    assert first == [
        "Imported accounts: 91 new, 0 changed, 0 unchanged.\n",
        "Imported goods: 77 new, 0 changed, 0 unchanged.\n",
        "Imported orders: 830 new, 2155 lines, 0 changed, 0 unchanged.\n",
    ]
    assert second == [
        "Imported accounts: 0 new, 0 changed, 91 unchanged.\n",
        "Imported goods: 0 new, 0 changed, 77 unchanged.\n",
        "Imported orders: 0 new, 0 lines, 0 changed, 830 unchanged.\n",
    ]
    assert ready("sums", "check").stdout == "The sums are those of the orders.\n"


def test_three_broken_lines_are_named_and_nothing_is_imported(
    ready: Crm, northwind: Path, tmp_path: Path
) -> None:
    lines = (northwind / "products.csv").read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].replace(",", "")
    rest, _, discontinued = lines[10].rsplit(",", 2)
    lines[10] = f"{rest},many,{discontinued}"
    lines[20] = "," + lines[20].partition(",")[2]
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join(lines), encoding="utf-8")

    done = ready("import", "goods", str(broken))

    assert done.exit_code == 1
    named = [line.partition(":")[0] for line in done.stderr.splitlines() if "broken.csv" in line]
    assert named == ["broken.csv, line 5", "broken.csv, line 11", "broken.csv, line 21"]
    assert "3 mistakes: nothing was imported" in done.stderr
    again = ready("import", "goods", f"{northwind}/products.csv")
    assert "77 new" in again.stdout


@pytest.mark.feature("AP3", "AP6")
async def test_the_dashboard_shows_its_totals(as_admin: Auth, northwind: Path) -> None:
    """Imported through the pages, which any administrator can do."""
    importer = Importer(as_admin)

    pages = [
        await importer.run("accounts", northwind / "customers.csv"),
        await importer.run("goods", northwind / "products.csv"),
        await importer.run("orders", northwind / "orders.csv", northwind / "order_details.csv"),
    ]

    assert [figures(page)["New"] for page in pages] == ["91", "77", "830"]
    page = await (await as_admin.get("/")).get_data(as_text=True)
    totals = ("91", "77", "830", "1,265,793.04")
    best = ("110,277.30", "104,874.98", "104,361.95", "51,097.80", "49,979.90")
    assert [figure for figure in totals + best if figure not in page] == []
