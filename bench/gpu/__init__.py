"""Everything that a GPU machine should be asked, in one call: `python -m bench.gpu`."""
