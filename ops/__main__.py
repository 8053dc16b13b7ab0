"""`python -m ops` runs the `hub` command."""

from ops.cli.main import main

if __name__ == "__main__":
    main()
