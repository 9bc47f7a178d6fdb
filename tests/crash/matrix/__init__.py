"""The crash matrix: kill -9 at every named point, under every fault, and a judge of what is left."""
