"""The program ``noticeboard``, also as ``python -m noticeboard``."""

from noticeboard import create_app
from quarterdeck.commands import create_group

main = create_group(create_app, name="noticeboard", help="Run the notice board.")

if __name__ == "__main__":
    main()
