"""Rows of figures, printed as they are measured and again as one table."""

rows = []


def report(what, figure):
    rows.append((what, figure))
    print(f"{what}: {figure}", flush=True)


def print_table():
    width = max(len(what) for what, _ in rows)
    print()
    for what, figure in rows:
        print(f"| {what:<{width}} | {figure:>22} |")
