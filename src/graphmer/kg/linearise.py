"""The C3 merge of class orders: one home for resolution and validation."""

from collections import Counter
from collections.abc import Collection, Mapping


def merge_orders(orders: list[list[str]]) -> list[str] | None:
    """Merge the bases' orders and the list of bases; None where no order keeps to all of them.

    Time is linear in the names given, times the number of orders: a chain of ten thousand classes must end.
    Source: Barrett et al., A Monotonic Superclass Linearization for Dylan (1996), as Python uses it.
    """
    result: list[str] = []
    orders = [order for order in orders if order]
    if len(orders) == 2 and orders[1] == orders[0][:1]:  # a single base: its own order is the answer
        return list(orders[0])
    later = Counter(name for order in orders for name in order[1:])  # in how many places a name waits behind another
    at = [0] * len(orders)
    todo = set(range(len(orders)))
    while todo:
        head = next((orders[index][at[index]] for index in sorted(todo) if not later[orders[index][at[index]]]), None)
        if head is None:
            return None
        result.append(head)
        for index in [index for index in todo if orders[index][at[index]] == head]:
            at[index] += 1
            if at[index] == len(orders[index]):
                todo.discard(index)
            else:
                later[orders[index][at[index]]] -= 1
    return result


def class_order(symbol: str, parents: Mapping[str, list[str]], orders: dict[str, list[str] | None]) -> list[str] | None:
    """C3 of one class, itself first; None where there is none.

    parents: the direct bases of each class, in the order in which they are written. orders: what is known so far; it
    gains the class and its ancestors.
    """
    todo = [(symbol, False)]  # a stack: chains are longer than Python's own
    while todo:
        one, above_done = todo.pop()
        bases = parents.get(one, [])
        if above_done:
            above = [orders[base] for base in bases]
            known = [order for order in above if order is not None]
            merged = merge_orders([*known, bases]) if len(known) == len(above) else None
            orders[one] = None if merged is None else [one, *merged]
        elif one not in orders:
            orders[one] = None  # under way: a cycle has no order
            todo.append((one, True))
            todo += [(base, False) for base in bases]
    return orders[symbol]


def all_reached(symbol: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    """All that is reached along edges, as superclasses along the direct ones; rings end."""
    found: set[str] = set()
    todo = list(edges.get(symbol, ()))
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += edges.get(one, ())
    return found
