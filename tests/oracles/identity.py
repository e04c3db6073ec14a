"""Rows of a section and their keys, row by row, as slowly as it can be said."""

Key = tuple[str, str]


def accepted(rows: list[set[Key]], items: list[set[Key]]) -> tuple[list[set[Key]], list[int]]:
    """The items after rows came in order, and the places of rows that were refused.

    A row goes in unless its keys belong to two items, or it shares a key or an item with a row that went in.
    """
    items = [set(item) for item in items]
    used: list[int] = []
    refused = []
    for place, row in enumerate(rows):
        found = [number for number, item in enumerate(items) if item & row]
        if len(found) > 1 or (found and found[0] in used):
            refused.append(place)
        elif found:
            items[found[0]] |= row
            used.append(found[0])
        else:
            items.append(set(row))
            used.append(len(items) - 1)
    return items, refused
