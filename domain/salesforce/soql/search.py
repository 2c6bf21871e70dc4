"""SOSL: searches as the API takes them, and the names in what they return."""

import re
from collections.abc import Iterator

from domain.salesforce.checking import Finding
from domain.salesforce.schema import Schema
from domain.salesforce.soql.names import unknown_names
from domain.salesforce.soql.reading import returned
from domain.salesforce.syntax import Tree, walk

FIND = re.compile(r"\s*FIND\b", re.IGNORECASE)
BRACED = re.compile(r"\{((?:[^{}\\]|\\.)*)\}")


def quoted(search: str) -> str:
    """The search with its words in quotes, as Apex has them, every place the same."""
    return BRACED.sub(lambda found: "'" + found[1].replace("'", " ") + "'", search, count=1)


def unknown_in_search(tree: Tree, schema: Schema) -> Iterator[Finding]:
    """What is wrong with the objects and fields that a search returns."""
    for node in walk(tree.root):
        if node.type == "sobject_return":
            yield from unknown_names(returned(node, tree), schema)
