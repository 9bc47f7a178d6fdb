"""Speed, memory and growth: each module prints a table; every figure is a ratio or a curve."""
