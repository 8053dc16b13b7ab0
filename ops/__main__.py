"""`python -m ops` is `hub`."""

from ops.cli.main import main

if __name__ == "__main__":
    main()
