"""The Kubernetes releases that tests run with: per minor the newest that the Go module proxy has every module of."""

MINORS = {"1.34": "1.34.10", "1.35": "1.35.8", "1.36": "1.36.3"}
