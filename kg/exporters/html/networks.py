"""The neighbours of one concept as a picture: which to draw, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import networkx as nx
import numpy as np

__all__ = ["SIZE", "Node", "networks"]

Node = tuple[int, int]  # column (0 condition, 1 intervention, 2 outcome) and number
SIZE = (1000, 640)  # width and height of the picture

_DRAWN = 10  # neighbours of each column; the page lists the others
_ROUNDS = 40
_NEAREST, _STILL = 0.01, 1e-4  # as in networkx
_SPREAD = 0.6  # 1 leaves distances from the middle as they are, 0 makes them all the same
_ROOM = np.array([190.0, 34.0])  # width and height that a name takes
_EDGE = np.array([100.0, 30.0])  # nearest to the rim that the middle of a name may stand


def networks(
    links: Mapping[tuple[Node, Node], set[int]], around: Mapping[Node, Iterable[Node]], names: Mapping[Node, str]
) -> dict[Node, list[tuple[Node, int, int]]]:
    """For each node, its most frequent neighbours and where each stands; the node itself stands in the middle.

    ``links`` leads from a pair of nodes to the cases that join them, ``around`` from a node to the wider concepts that
    stand for it, itself among them. The nodes drawn for are those of ``names``.
    """
    near: dict[Node, dict[Node, set[int]]] = defaultdict(lambda: defaultdict(set))
    for (one, other), cases in links.items():
        for node, neighbour in ((one, other), (other, one)):
            for wider in around[node]:
                if wider in names:
                    near[wider][neighbour] |= cases
    drawn = {}
    for node in sorted(near):
        chosen: list[Node] = []
        for column in range(3):
            ranked = [n for n in near[node] if n[0] == column]
            ranked.sort(key=lambda n: (-len(near[node][n]), n))
            chosen += ranked[:_DRAWN]
        drawn[node] = _placed(chosen, links)
    return drawn


def _placed(neighbours: Sequence[Node], links: Mapping[tuple[Node, Node], set[int]]) -> list[tuple[Node, int, int]]:
    """Where each neighbour stands of the node in the middle, with which all of them are linked."""
    joined = np.zeros((len(neighbours) + 1, len(neighbours) + 1))
    joined[0, 1:] = joined[1:, 0] = 1
    for at, one in enumerate(neighbours, 1):
        for to, other in enumerate(neighbours[at:], at + 1):
            if links.get((one, other)) or links.get((other, one)):
                joined[at, to] = joined[to, at] = 1
    graph: nx.Graph[Node] = nx.Graph()
    graph.add_nodes_from(neighbours)
    ring = nx.circular_layout(graph)
    places = _sprung(np.array([(0, 0), *(ring[n] for n in neighbours)], float), joined)
    far = np.linalg.norm(places, axis=1, keepdims=True).clip(1e-9)
    places *= (far / far.max()) ** _SPREAD / far  # what crowds around the middle gets room
    middle = np.array(SIZE) / 2
    places = _apart(middle + places * (middle - _EDGE))
    return [(n, round(float(x)), round(float(y))) for n, (x, y) in zip(neighbours, places[1:], strict=True)]


def _sprung(places: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """The places, the first of them fixed, after all have pushed and the links pulled.

    Bit for bit networkx's ``spring_layout``, in half the time: a page draws hundreds of graphs so small that calls cost
    more than arithmetic.
    """
    ideal = (places.max() or 1) / np.sqrt(len(places))
    step = np.ptp(places, axis=0).max() * 0.1
    cooling = step / (_ROUNDS + 1)
    at = np.ascontiguousarray(places.T)
    for _ in range(_ROUNDS):
        gap = at[:, None, :] - at[:, :, None]
        far = np.maximum(_length(gap), _NEAREST)
        pull = np.add.reduce(gap * (ideal * ideal / far**2 - joined * far / ideal), axis=1)
        move = pull * (step / np.maximum(_length(pull), _NEAREST))
        move[:, 0] = 0
        at = at + move
        step -= cooling
        moved = move.T.ravel()
        if np.sqrt(moved.dot(moved)) / len(places) < _STILL:
            break
    return at.T


def _length(vectors: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.sqrt(vectors[0] * vectors[0] + vectors[1] * vectors[1])
    return length


def _apart(places: np.ndarray) -> np.ndarray:
    """Push names off one another, the first of them staying where it is."""
    rim = np.array(SIZE) - _EDGE
    for _ in range(_ROUNDS):
        gap = places[:, None] - places[None]
        overlap = _ROOM - np.abs(gap)
        hit = (overlap > 0).all(axis=2)
        np.fill_diagonal(hit, val=False)
        if not hit.any():
            break
        below = np.where(
            gap[..., 1] == 0,
            np.sign(np.arange(len(places))[:, None] - np.arange(len(places))[None]),
            np.sign(gap[..., 1]),
        )
        places[:, 1] += np.where(hit, below * (overlap[..., 1] / 2 + 1), 0).sum(axis=1).clip(-_ROOM[1], _ROOM[1])
        places = np.clip(places, _EDGE, rim)
        places[0] = np.array(SIZE) / 2
    return places
