"""The neighbours of one concept as a picture: which to draw, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kg.parallel import chunks

__all__ = ["SIZE", "Node", "networks"]

Node = tuple[int, int]  # column (0 condition, 1 intervention, 2 outcome) and number
SIZE = (1000, 640)  # width and height of the picture

_DRAWN = 10  # neighbours of each column; the page lists the others
_AT_ONCE = 16  # pictures reckoned together; of more, numbers no longer fit in the core's cache
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
    chosen: dict[Node, list[Node]] = {}
    alike: dict[int, list[Node]] = defaultdict(list)  # nodes with so many neighbours
    for node in sorted(near):
        chosen[node] = []
        for column in range(3):
            ranked = [n for n in near[node] if n[0] == column]
            ranked.sort(key=lambda n: (-len(near[node][n]), n))
            chosen[node] += ranked[:_DRAWN]
        alike[len(chosen[node])].append(node)
    placed: dict[Node, np.ndarray] = {}
    for nodes in alike.values():
        for few in chunks(iter(nodes), _AT_ONCE):
            pictures = _sprung(np.array([_joined(chosen[node], links) for node in few]))
            placed |= {node: _spread(places) for node, places in zip(few, pictures, strict=True)}
    return {
        node: [(n, round(float(x)), round(float(y))) for n, (x, y) in zip(chosen[node], placed[node][1:], strict=True)]
        for node in chosen
    }


def _joined(neighbours: Sequence[Node], links: Mapping[tuple[Node, Node], set[int]]) -> np.ndarray:
    """1 where two are linked, 0 elsewhere; the first is the node in the middle, with which all of them are."""
    joined = np.zeros((len(neighbours) + 1, len(neighbours) + 1))
    joined[0, 1:] = joined[1:, 0] = 1
    for at, one in enumerate(neighbours, 1):
        for to, other in enumerate(neighbours[at:], at + 1):
            if links.get((one, other)) or links.get((other, one)):
                joined[at, to] = joined[to, at] = 1
    return joined


def _spread(places: np.ndarray) -> np.ndarray:
    """The places on the page, what crowds around the middle given room."""
    far = np.linalg.norm(places, axis=1, keepdims=True).clip(1e-9)
    places = places * ((far / far.max()) ** _SPREAD / far)
    middle = np.array(SIZE) / 2
    return _apart(middle + places * (middle - _EDGE))


def _ring(count: int) -> np.ndarray:
    """So many places around the middle, one alone in it: bit for bit networkx's ``circular_layout``."""
    if count == 1:
        return np.zeros((1, 2))
    turn = (np.linspace(0, 1, count + 1)[:-1] * 2 * np.pi).astype(np.float32)
    places = np.column_stack([np.cos(turn), np.sin(turn)]).astype(float)
    places -= places.mean(axis=0)
    places *= 1 / np.abs(places).max()
    return places


def _sprung(joined: np.ndarray) -> np.ndarray:
    """Of several pictures with equally many nodes the places, the first fixed, after all pushed and the links pulled.

    Bit for bit networkx's ``spring_layout``, in a fraction of the time: a page draws hundreds of graphs so small that
    calls cost more than arithmetic.
    """
    pictures, count, _ = joined.shape
    ring = np.vstack([np.zeros((1, 2)), _ring(count - 1)])
    ideal = (ring.max() or 1) / np.sqrt(count)
    step = np.ptp(ring, axis=0).max() * 0.1
    cooling = step / (_ROUNDS + 1)
    at = np.repeat(np.ascontiguousarray(ring.T)[None], pictures, axis=0)
    moving = np.arange(pictures)
    for _ in range(_ROUNDS):
        here = at[moving]
        gap = here[:, :, None, :] - here[:, :, :, None]
        far = np.maximum(_length(gap), _NEAREST)
        pull = np.add.reduce(gap * (ideal * ideal / far**2 - joined[moving] * far / ideal)[:, None], axis=2)
        move = pull * (step / np.maximum(_length(pull), _NEAREST))[:, None]
        move[:, :, 0] = 0
        at[moving] = here + move
        step -= cooling
        moved = move.transpose(0, 2, 1).reshape(len(moving), -1)
        moving = moving[[bool(np.sqrt(m.dot(m)) / count >= _STILL) for m in moved]]
        if not len(moving):
            break
    return at.transpose(0, 2, 1)


def _length(vectors: np.ndarray) -> np.ndarray:
    x, y = vectors[:, 0], vectors[:, 1]
    length: np.ndarray = np.sqrt(x * x + y * y)
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
