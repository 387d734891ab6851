"""Whether what clients saw of one register can be put in an order: linearizability.

An operation is (kind, value, start, end): kind 'r' or 'w', end None if nobody knows whether and when
it was done. Values of writes differ; None is what the register held at first. Run as a program, it
tests itself with histories that must pass and that must not.
"""


def is_linearizable(history):
    """Searches an order that respects time, in which each read finds the last write before it.

    Wing and Gong's search, with Lowe's memory of the states that led nowhere. A write of unknown
    outcome that nobody read may be left out of any order; one that was read may come at any time
    after its start.
    """
    read = {value for kind, value, _, _ in history if kind == "r"}
    known = []
    for kind, value, start, end in history:
        if end is None and (kind == "r" or value not in read):
            continue
        known.append((start, float("inf") if end is None else end, kind, value))
    written = {value for _, _, kind, value in known if kind == "w"} | {None}
    if any(kind == "r" and value not in written for _, _, kind, value in known):
        return False
    known.sort()
    count = len(known)
    # A state: how many of the first are all done, which later ones are done, the value. Of those that
    # started before all that are not done have ended, any may be next.
    todo = [(0, frozenset(), None)]
    seen = set(todo)
    while todo:
        low, later, value = todo.pop()
        if low == count:
            return True
        horizon = float("inf")
        i = low
        candidates = []
        while i < count and known[i][0] <= horizon:
            if i not in later:
                candidates.append(i)
                horizon = min(horizon, known[i][1])
            i += 1
        for i in candidates:
            start, _, kind, wanted = known[i]
            if start > horizon or (kind == "r" and wanted != value):
                continue
            done = set(later)
            done.add(i)
            first = low
            while first in done:
                done.remove(first)
                first += 1
            state = (first, frozenset(done), wanted if kind == "w" else value)
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return False


def self_test():
    good = {
        "nothing": [],
        "one after the other": [("w", 1, 0, 1), ("r", 1, 2, 3)],
        "at first": [("r", None, 0, 1), ("w", 1, 2, 3)],
        "a read beside a write sees the old": [("w", 1, 0, 1), ("w", 2, 2, 9), ("r", 1, 3, 4), ("r", 2, 5, 6)],
        "an unknown write is seen late": [("w", 1, 0, 1), ("w", 2, 2, None), ("r", 1, 3, 4), ("r", 2, 50, 51)],
        "an unknown write is never seen": [("w", 1, 0, 1), ("w", 2, 2, None), ("r", 1, 3, 4), ("r", 1, 50, 51)],
        "two writes beside each other": [("w", 1, 0, 9), ("w", 2, 0, 9), ("r", 2, 10, 11), ("r", 2, 12, 13)],
        "an unknown write between two others": [("w", 1, 0, 1), ("w", 2, 0, None), ("r", 2, 4, 5), ("w", 3, 6, 7), ("r", 3, 8, 9)],
    }
    bad = {
        "a lost write": [("w", 1, 0, 1), ("w", 2, 2, 3), ("r", 1, 4, 5)],
        "nothing read after a write": [("w", 1, 0, 1), ("r", None, 2, 3)],
        "a value nobody wrote": [("w", 1, 0, 1), ("r", 7, 2, 3)],
        "back to the old": [("w", 1, 0, 1), ("w", 2, 2, 9), ("r", 2, 3, 4), ("r", 1, 5, 6)],
        "an unknown write seen, then gone": [("w", 1, 0, 1), ("w", 2, 2, None), ("r", 2, 3, 4), ("r", 1, 5, 6)],
        "read before it was begun": [("r", 1, 0, 1), ("w", 1, 2, 3)],
        "an unknown write seen twice with another between": [
            ("w", 1, 0, 1), ("w", 2, 2, None), ("r", 2, 3, 4), ("w", 3, 5, 6), ("r", 3, 7, 8), ("r", 2, 9, 10)],
        "two sides that both accept writes": [
            ("w", 1, 0, 1), ("w", 2, 2, 3), ("r", 2, 4, 5), ("w", 3, 2, 3), ("r", 3, 4, 5), ("r", 2, 6, 7)],
        "readers who do not agree on the order": [
            ("w", 1, 0, 9), ("w", 2, 0, 9), ("r", 1, 10, 11), ("r", 2, 12, 13)],
    }
    for name, history in good.items():
        assert is_linearizable(history), name
        assert is_linearizable(history[::-1]), name
    for name, history in bad.items():
        assert not is_linearizable(history), name
        assert not is_linearizable(history[::-1]), name
    long = []
    for i in range(2000):
        long += [("w", i, 4 * i, 4 * i + 3), ("r", i, 4 * i + 2, 4 * i + 5), ("w", -i - 1, 4 * i + 1, None)]
    assert is_linearizable(long)
    long[3 * 1500 + 1] = ("r", 1400, 6002, 6005)
    assert not is_linearizable(long)
    print(f"{len(good) + 1} histories that are linearizable, {len(bad) + 1} that are not: all told apart")


if __name__ == "__main__":
    self_test()
