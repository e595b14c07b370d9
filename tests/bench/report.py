"""The table, and what an earlier one says of a later one."""


def entry(row):
    return {"name": row.name, "what": row.what, "measured": row.measured, "unit": row.unit, "limit": row.limit,
            "atLeast": row.at_least, "tolerance": row.tolerance, "ok": row.ok, "parts": row.parts}


def _number(value, unit):
    text = f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{text} {unit}".rstrip()


def _cells(row):
    sign = "≥" if row["atLeast"] else "≤"
    parts = ", ".join(f"{name}: {value}" for name, value in row["parts"].items())
    return [row["what"], _number(row["measured"], row["unit"]), f"{sign} {_number(row['limit'], row['unit'])}",
            "ok" if row["ok"] else "not reached", parts]


def line(row):
    return "  ".join(_cells(row))


def table(result):
    """As Markdown."""
    machine = result["machine"]
    rows = [["row", "measured", "must reach", "", "details"], ["---"] * 5] + [_cells(row) for row in result["rows"]]
    kind = "".join(f", {name}" for name in ("quick", "sandbox") if result.get(name))
    return "\n".join(["| " + " | ".join(cells) + " |" for cells in rows]) + (
        f"\n\n{result['date']}, {machine['cores']} cores, {machine['memoryGB']} GB, {machine['architecture']}{kind}")


def regressions(before, after):
    """What is worse than before by more than its tolerance; rows that are in one of both only are left out."""
    known = {row["name"]: row for row in before["rows"]}
    found = []
    for row in after["rows"]:
        old = known.get(row["name"])
        if old is None or old["what"] != row["what"]:
            continue
        was, now, share = old["measured"], row["measured"], row["tolerance"]
        worse = now < was * (1 - share) if row["atLeast"] else now > was * (1 + share)
        if worse or (old["ok"] and not row["ok"]):
            found.append(f"{row['what']}: {_number(now, row['unit'])}, was {_number(was, row['unit'])} (±{share:.0%})")
    return found
