"""``python -m gittrack`` is the command ``gittrack``."""

from gittrack.cli.main import main

if __name__ == "__main__":
    main()
