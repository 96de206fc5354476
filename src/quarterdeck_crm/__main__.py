"""The ``crm`` command, also ``python -m quarterdeck_crm``."""

from __future__ import annotations

import sys

OWN = {"quarterdeck", "quarterdeck_crm"}


def main() -> None:
    """Run a command of the CRM, or say what has to be installed first."""
    try:
        from .cli import program
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OWN or not missing:
            raise
        sys.exit(
            f"Error: '{missing}' is not installed, and the CRM needs it. "
            "Install what it needs with: pip install 'quarterdeck[crm]'"
        )
    program()


if __name__ == "__main__":
    main()
