// TestSupport: see Sources/README.md.
