"""``kg serve``: a graph over HTTP, with a SPARQL endpoint and pages for people, on one port.

::

    listener  a connection: how long a client may take to say what it wants
    guard     a request: its size, its time, the headers of every answer
    access    who may change something
    app       the routes, put together
    sparql, graphs, description, pages, reports, things, questions      what there is to ask for
    answers   what workers do for them; negotiation: media types; tokens: keywords of SPARQL text
    workers   processes that do the work on a snapshot, each stopped when its time is up
    snapshot  copies of the store that nobody writes to

What a route needs of all this is one ``Service``, ``request.app.state.service``. No route reads the store itself: it
has a worker run a function, ``await service.run(function, ...)``.
"""

from __future__ import annotations

__all__: list[str] = []
