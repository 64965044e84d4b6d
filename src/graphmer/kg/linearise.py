"""The C3 merge of class orders: one home for resolution and validation."""

from collections import Counter


def merge_orders(orders: list[list[str]]) -> list[str] | None:
    """Merge the bases' orders and the list of bases; None where no order keeps to all of them.

    Time is linear in the names given, times the number of orders: a chain of ten thousand classes must end.
    Source: Barrett et al., A Monotonic Superclass Linearization for Dylan (1996), as Python uses it.
    """
    result: list[str] = []
    orders = [order for order in orders if order]
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
