// Audio: see Sources/README.md.
