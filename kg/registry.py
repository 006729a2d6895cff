"""Finds plug-ins: the modules of a sub-package first, then entry points of the same group.

A plug-in of group ``sources`` is a module ``kg/sources/NAME.py`` or an entry point ``NAME`` in group ``kg.sources``.
No plug-in is named here: adding one is adding its file.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType

from kg.errors import PluginError

__all__ = ["names", "plugin", "plugins"]


@cache
def names(group: str) -> tuple[str, ...]:
    """Names of all plug-ins of ``group`` in alphabetical order, without importing any of them."""
    package = import_module(f"kg.{group}")
    own = {m.name for m in iter_modules(package.__path__) if not m.name.startswith("_")}
    return tuple(sorted(own | {e.name for e in entry_points(group=f"kg.{group}")}))


@cache
def plugin(group: str, name: str) -> ModuleType:
    """The plug-in ``name`` of ``group``; PluginError says which there are if it is unknown or lacks its protocol."""
    package = import_module(f"kg.{group}")
    if name not in names(group):
        raise PluginError(f"No {group} plug-in is called {name!r}; there are: {', '.join(names(group))}.")
    outside = {e.name: e for e in entry_points(group=f"kg.{group}")}
    module: ModuleType = outside[name].load() if name in outside else import_module(f"kg.{group}.{name}")
    missing = [part for part in package.PROTOCOL if not hasattr(module, part)]
    if missing:
        raise PluginError(f"The {group} plug-in {name!r} lacks {', '.join(missing)}; see kg/{group}/__init__.py.")
    return module


def plugins(group: str) -> dict[str, ModuleType]:
    """All plug-ins of ``group`` by name."""
    return {name: plugin(group, name) for name in names(group)}
