"""Run the ``quarterdeck`` program with ``python -m quarterdeck``."""

from __future__ import annotations

from quarterdeck.commands.main import main

if __name__ == "__main__":
    main(prog_name="quarterdeck")
