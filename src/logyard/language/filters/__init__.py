"""One file per filter: node, parse, print, match."""
