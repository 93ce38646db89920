"""Places: points, lines and areas; near, within, layers."""
