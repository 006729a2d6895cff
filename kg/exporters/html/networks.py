"""The neighbours of one concept as a picture: which to draw and where, computed with networkx from a fixed seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import networkx as nx
import numpy as np

__all__ = ["SIZE", "Node", "networks"]

Node = tuple[int, int]  # column (0 condition, 1 intervention, 2 outcome) and number
SIZE = (1000, 640)  # width and height of the picture

_SEED = 7
_DRAWN = 10  # neighbours of each column; the page lists the others
_ROUNDS = 40
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
        drawn[node] = _placed(node, chosen, near[node], links)
    return drawn


def _placed(
    node: Node, neighbours: Sequence[Node], weight: Mapping[Node, set[int]], links: Mapping[tuple[Node, Node], set[int]]
) -> list[tuple[Node, int, int]]:
    graph: nx.Graph[Node] = nx.Graph()
    graph.add_node(node)
    for n in neighbours:
        graph.add_edge(node, n, weight=len(weight[n]))
    for at, one in enumerate(neighbours):
        for other in neighbours[at + 1 :]:
            if both := links.get((one, other)) or links.get((other, one)):
                graph.add_edge(one, other, weight=len(both))
    ring: dict[Node, np.ndarray] = nx.circular_layout(graph.subgraph(neighbours))
    start = {n: (0.0, 0.0) if n == node else tuple(ring[n]) for n in graph}
    found = nx.spring_layout(graph, pos=start, fixed=[node], weight=None, iterations=_ROUNDS, seed=_SEED)
    places = np.array([found[n] for n in (node, *neighbours)])
    far = np.linalg.norm(places, axis=1, keepdims=True).clip(1e-9)
    places *= (far / far.max()) ** _SPREAD / far  # what crowds around the middle gets room
    middle = np.array(SIZE) / 2
    places = _apart(middle + places * (middle - _EDGE))
    return [(n, round(float(x)), round(float(y))) for n, (x, y) in zip(neighbours, places[1:], strict=True)]


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
