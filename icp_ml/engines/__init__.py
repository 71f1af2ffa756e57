"""Where a list lives: files here; every engine calls the one kernel of `scoring`."""
