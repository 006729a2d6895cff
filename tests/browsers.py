"""The Chromium in which pages are tried, and how it is started."""

from __future__ import annotations

import shutil

__all__ = ["CHROMIUM", "QUIET"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
