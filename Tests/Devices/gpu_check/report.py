"""What was found, in words: a list of findings from the record, and a page in Markdown."""

NAMES = {
    "energy": "energy counter (nvmlDeviceGetTotalEnergyConsumption)", "usage": "power (nvmlDeviceGetPowerUsage)",
    "average": "field 185 (NVML_FI_DEV_POWER_AVERAGE)", "instant": "field 186 (NVML_FI_DEV_POWER_INSTANT)",
    "smi": "nvidia-smi power.draw", "smi-average": "nvidia-smi power.draw.average", "smi-instant": "nvidia-smi power.draw.instant",
}
# A fit that explains less of what a reading does says nothing of the window.
CLEAR = 0.9
POWERS = ("usage", "average", "instant", "smi", "smi-average", "smi-instant")


def number(value, digits=3):
    return "?" if value is None else f"{value:.{digits}g}"


def milliseconds(seconds):
    return "?" if seconds is None else f"{seconds * 1000:.4g} ms"


def spread(values):
    """The least, the median and the most; None of nothing."""
    known = sorted(value for value in values if value is not None)
    return (known[0], known[len(known) // 2], known[-1]) if known else None


def findings(record):
    """A list of {"kind", "text", …}, the figures among them too."""
    found = []

    def add(kind, text, **values):
        found.append({"kind": kind, "text": text, **values})

    for step in record.get("steps", []):
        if step["status"] != "done":
            add(f"step-{step['status']}", f"{step['name']}: {step['words']}", step=step["name"])
    kernel = record.get("kernel", {})
    if kernel.get("sandbox"):
        add("sandbox", f"the kernel is {kernel['sandbox']}'s: what it refuses is refused by the sandbox", sandbox=kernel["sandbox"])
    nvml = record.get("nvml")
    if nvml:
        way = "by TASKWATT_NVML" if nvml.get("was_named") else "the loader does not know it" if nvml["needs_path"] else "by the loader"
        add("nvml", f"NVML is {nvml['library']} ({way}), driver {nvml.get('driver')}", library=nvml["library"])
    for name, failures in sorted(refusals(record).items()):
        add("refused", f"{NAMES[name]}: {failures}", quantity=name)
    sensors(record, add)
    comparisons(record, add)
    taskwatt(record, add)
    model = record.get("model")
    if model and model.get("rows"):
        for row in model["rows"]:
            add("model", f"{row.get('task')} on {model['device']}: {number(row.get('mean_kwh'))} kWh per 1,000 inferences, "
                f"{row.get('provenance')}, {row.get('scope')}, n = {row.get('n')}", **{key: row.get(key) for key in ("mean_kwh", "n")})
    return found


def refusals(record):
    """What NVML answered instead of a value, by quantity."""
    return {
        name: ", ".join(sorted(call["failures"])) for name, call in record.get("calls", {}).items() if call.get("failures")
    }


def sensors(record, add):
    for name, sensor in record.get("sensors", {}).items():
        bound = "at most " if sensor.get("is_upper_bound") else ""
        add("update-period", f"{NAMES[name]} is updated every {bound}{milliseconds(sensor['period_s'])} "
            f"(± {milliseconds(sensor['spread_s'])} from one to the next, {sensor['updates']} seen)",
            quantity=name, period_s=sensor["period_s"])
        if "window_s" not in sensor:
            continue
        if sensor["r2"] < CLEAR:
            add("window-unclear", f"{NAMES[name]}: no averaging window explains it well (r² {sensor['r2']:.4f} at "
                f"{milliseconds(sensor['window_s'])})", quantity=name, r2=sensor["r2"])
            continue
        add("averaging-window", f"{NAMES[name]} averages over {milliseconds(sensor['window_s'])} "
            f"({milliseconds(sensor['low_s'])} to {milliseconds(sensor['high_s'])}; r² {sensor['r2']:.4f}), "
            f"{milliseconds(sensor['lag_s'])} before it shows", quantity=name, window_s=sensor["window_s"], r2=sensor["r2"])
        if sensor["high_s"] < 0.9 * sensor["period_s"]:
            add("part-time", f"{NAMES[name]} sees {sensor['share']:.0%} of the time: {milliseconds(sensor['window_s'])} of every "
                f"{milliseconds(sensor['period_s'])}", quantity=name, share=sensor["share"])
    usage = record.get("usage_is") or {}
    for other, share in usage.items():
        if share is not None and share > 0.8:
            add("usage-is", f"nvmlDeviceGetPowerUsage is the field of {other} power: alike at {share:.0%} of its updates", other=other)
    polling = record.get("polling") or {}
    if polling.get("ratio"):
        add("polling", f"the energy counter read every millisecond says {polling['ratio']:.4f} of what it says read every 20 ms",
            ratio=polling["ratio"])


def comparisons(record, add):
    rows = record.get("windows", [])
    for name in POWERS:
        for key, words in (("ratio", "power × time over the counter's energy"), ("net_ratio", "the same less idle power")):
            values = spread(row[key].get(name) for row in rows)
            if values:
                add(f"energy-{key.replace('_', '-')}", f"{NAMES[name]}: {words} is {values[0]:.3f} to {values[2]:.3f} "
                    f"(median {values[1]:.3f}, {len(rows)} windows)", quantity=name, least=values[0], median=values[1], most=values[2])
    # A counter that sees all says that pulses cost what a steady load as long costs, but for what clocks and temperature do; one that
    # does not, says something else at another period.
    for duty in sorted({row["duty"] for row in rows if row["duty"] < 1}):
        values = spread(row.get("net_over_steady") for row in rows if row["duty"] == duty)
        if values:
            add("duty", f"at {duty:.0%} duty the counter's net energy is {values[0]:.3f} to {values[2]:.3f} of that of a steady load "
                "as long as the pulses, over the periods", duty=duty, least=values[0], most=values[2])


def taskwatt(record, add):
    rows = [row["taskwatt"] for row in record.get("windows", []) if row.get("taskwatt")]
    values = spread(row["ratio"] for row in rows)
    if values:
        judged = [row["within_uncertainty"] for row in rows if "within_uncertainty" in row]
        add("taskwatt-ratio", f"taskwatt measure over the counter read here: {values[0]:.4f} to {values[2]:.4f} (median {values[1]:.4f}), "
            f"{sum(judged)} of {len(judged)} within Taskwatt's own interval", least=values[0], median=values[1], most=values[2],
            within=sum(judged), of=len(judged))
    own = next((meter["meter"] for meter in record.get("meters") or [] if meter["meter"]["id"] == record.get("meter_id")), None)
    seen = record.get("sensors", {}).get("energy")
    if own and seen and own.get("kind") == "counter":
        add("period-known", f"taskwatt meters takes the counter's period for {milliseconds(own.get('period_s'))}; here it was "
            f"{milliseconds(seen['period_s'])}", taskwatt_s=own.get("period_s"), seen_s=seen["period_s"])


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    # A bar or a line end would break the table.
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return lines


def markdown(record):
    gpu = record.get("gpu") or {}
    lines = [f"# gpu-check: {gpu.get('name') or 'no GPU was read'}", ""]
    facts = [
        ("begun", record.get("begun")), ("took", f"{record.get('seconds', 0):.0f} s of {record.get('budget_s', 0):.0f} s"),
        ("kernel", (record.get("kernel") or {}).get("uname")), ("Python", record.get("python")),
        ("NVML", (record.get("nvml") or {}).get("library")), ("driver", (record.get("nvml") or {}).get("driver")),
        ("GPU", ", ".join(f"{key} {value}" for key, value in gpu.items() if value is not None)),
        ("load", ", ".join(f"{key} {value}" for key, value in (record.get("load") or {}).items())),
        ("Taskwatt", record.get("taskwatt_version")),
    ]
    lines += [f"- {name}: {value}" for name, value in facts if value]
    lines += ["", "## Findings", ""]
    lines += [f"- {finding['text']}" for finding in record.get("findings", [])] or ["none"]
    if record.get("meters"):
        lines += ["", "## Meters by Taskwatt", ""]
        lines += table(("meter", "kind", "period", "can be read"), [
            (meter["meter"]["id"], meter["meter"].get("kind"), milliseconds(meter["meter"].get("period_s")),
             "yes" if meter.get("available") else f"no: {meter.get('reason')}; {meter.get('remedy') or 'no remedy'}")
            for meter in record["meters"]])
    if record.get("sensors"):
        lines += ["", "## Sensors", ""]
        rows = []
        for name, sensor in record["sensors"].items():
            call = record.get("calls", {}).get(name, {})
            window = (
                f"{milliseconds(sensor['window_s'])} ({milliseconds(sensor['low_s'])} to {milliseconds(sensor['high_s'])})"
                if "window_s" in sensor else "not seen")
            rows.append((
                NAMES[name], milliseconds(sensor["period_s"]), window, milliseconds(sensor.get("lag_s")), number(sensor.get("r2"), 4),
                milliseconds(call.get("step_s")), milliseconds(call.get("call_s")), milliseconds(call.get("slowest_call_s"))))
        lines += table(("quantity", "update period", "averaging window", "lag", "r²", "read every", "a call", "the slowest"), rows)
    idle = [(name, record.get("idle_w", {}).get(name), record.get("idle_with_context_w", {}).get(name)) for name in NAMES]
    if any(a is not None or b is not None for _, a, b in idle):
        lines += ["", "## Idle power in W", ""]
        lines += table(("by", "before a program used the GPU", "with one that waits"), [
            (NAMES[name], number(a, 4), number(b, 4)) for name, a, b in idle if a is not None or b is not None])
    if record.get("windows"):
        lines += ["", "## Windows", "", "Energy in J, and in brackets over the counter's.", ""]
        ways = [name for name in POWERS if any(name in row["energy_j"] for row in record["windows"])]
        rows = []
        for row in record["windows"]:
            own = row.get("taskwatt") or {}
            rows.append((
                f"{row['duty']:.0%}", milliseconds(row["period_s"]) if row["duty"] < 1 else "–", f"{row['seconds']:.2f}", row["products"],
                number(row["energy_j"].get("counter"), 5),
                *(f"{number(row['energy_j'].get(name), 5)} ({number(row['ratio'].get(name), 4)})" for name in ways),
                f"{number(own.get('energy_j'), 5)} ({number(own.get('ratio'), 5)})" if own else "–",
                number(row.get("net_j_per_product")), number(row.get("net_over_steady"))))
        lines += table(("duty", "period", "s", "products", "counter", *ways, "taskwatt", "net J a product", "net over steady"), rows)
    lines += ["", "## Steps", ""]
    lines += table(("step", "", "s", "words"), [
        (step["name"], step["status"], f"{step['seconds']:.1f}", step["words"]) for step in record.get("steps", [])])
    return "\n".join(lines) + "\n"
