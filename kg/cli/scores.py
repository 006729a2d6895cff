"""``kg evaluate``: scores of the extractor on annotated reports."""
