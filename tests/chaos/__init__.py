"""What must hold while something breaks. `make chaos` runs the full drivers; the tests here run short ones."""
