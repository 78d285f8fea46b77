"""The kinds of protocol tasks, one file each; ``table.py`` lists them."""
