"""The C3 merge of class orders: one home for resolution and validation."""


def merge_orders(orders: list[list[str]]) -> list[str] | None:
    """Merge the bases' orders and the list of bases; None where no order keeps to all of them.

    Source: Barrett et al., A Monotonic Superclass Linearization for Dylan (1996), as Python uses it.
    """
    result: list[str] = []
    orders = [order for order in orders if order]
    while orders:
        later = {name for order in orders for name in order[1:]}
        head = next((order[0] for order in orders if order[0] not in later), None)
        if head is None:
            return None
        result.append(head)
        orders = [rest for order in orders if (rest := [name for name in order if name != head])]
    return result
