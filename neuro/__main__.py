"""`python -m neuro` is the `neuro` command, e.g. for `torchrun -m neuro run digits`."""

from neuro.cli import main

if __name__ == "__main__":
    main()
