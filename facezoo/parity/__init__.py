"""How far the torch and paddle implementations of a backbone or head differ."""
