"""``python -m logyard``: the command ``logyard``."""

from logyard.cli.main import main

if __name__ == "__main__":
    main()
