"""Training of the models in kg/models/: one command a file, reproducible from annotated reports."""
