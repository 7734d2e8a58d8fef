"""From rows to the contexts of `reports.paper`: one module per document.

A mapping never decides and never invents: what the rows do not say is not printed.
"""


class Incomplete(Exception):
    """The rows lack something that the document must say; `str(error)` is Chinese."""
