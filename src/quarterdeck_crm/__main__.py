"""The ``crm`` command, also ``python -m quarterdeck_crm``."""

from __future__ import annotations

import sys

OWN = {"quarterdeck", "quarterdeck_crm"}


def main() -> None:
    """Run a command of the CRM, or name the packages to install first."""
    try:
        from . import create_app
        from .cli import make_program

        make_program(create_app)()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OWN or not missing:
            raise
        sys.exit(
            f"Error: '{missing}' is not installed, and the CRM needs it. "
            "Install what it needs with: pip install 'quarterdeck[crm]'"
        )


if __name__ == "__main__":
    main()
