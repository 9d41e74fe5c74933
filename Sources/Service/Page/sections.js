// What stands in the page's sections. Everything becomes text or an element; nothing becomes markup.

import { PowerChart } from "./power.js";

/** An element with attributes and children; texts stay texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Three significant digits, with an exponent below 1e-4 and from a million on. */
export function figure(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6) return value.toExponential(2).replace("e+", "e");
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export const watts = (value) => (typeof value === "number" ? `${value.toFixed(2)} W` : "–");
const badge = (word) => element("span", { class: `badge ${word}` }, word);
const time = (seconds) => {
  const date = new Date(seconds * 1000);
  return element("time", { datetime: date.toISOString() }, date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
};
/** About how long, for people to wait. */
function duration(seconds) {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const isGuessed = (provenance) => provenance === "estimated" || provenance === "simulated";

/**
 * A table that scrolls by itself where it is too wide.
 *
 * @param {string} caption
 * @param {[string, string?][]} heads with the class of their column
 * @param {any[][]} rows the first cell of each is its head
 */
function table(caption, heads, rows) {
  const kind = (index) => heads[index][1];
  return element(
    "div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    element(
      "table", {}, element("caption", {}, caption),
      element(
        "thead", {},
        element("tr", {}, heads.map(([head, name]) => element("th", { scope: "col", class: name }, head)))),
      element(
        "tbody", {},
        rows.map((cells) =>
          element(
            "tr", {},
            cells.map((cell, index) => {
              if (cell instanceof HTMLTableCellElement) return cell;
              const attributes = { class: kind(index) };
              return index === 0
                ? element("th", { ...attributes, scope: "row" }, cell)
                : element("td", attributes, cell);
            }))))));
}

/** Puts something in the place of what was there, unless it is the same: a table that is being read shall stay. */
function put(place, ...made) {
  const now = element("div", {}, ...made);
  if (place.innerHTML !== now.innerHTML) place.replaceChildren(...now.childNodes);
}

// MARK: Power

function swatch(chart, index, provenance) {
  const ns = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(ns, "svg");
  picture.setAttribute("class", "swatch");
  picture.setAttribute("viewBox", "0 0 32 8");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(ns, "line");
  const attributes = { x1: 0, x2: 32, y1: 4, y2: 4, stroke: chart.colour(index), "stroke-width": 3 };
  const pattern = PowerChart.pattern(provenance);
  if (pattern) attributes["stroke-dasharray"] = pattern.join(" ");
  for (const [key, value] of Object.entries(attributes)) line.setAttribute(key, value);
  picture.append(line);
  return picture;
}

/** What is said of a meter without a value. */
const readings = { "no-data": "no data", failed: "failed", gone: "gone" };

/** The power of each meter now; only the figures change from one second to the next. */
export function powerNow(place, live, chart) {
  const names = JSON.stringify([live.meters.map((meter) => [meter.meter, meter.provenance]), chart.colour(0)]);
  if (place.dataset.names !== names) {
    place.dataset.names = names;
    const rows = live.meters.map((meter, index) => [
      element("span", {}, PowerChart.isThere ? swatch(chart, index, meter.provenance) : null, meter.meter),
      "", meter.scope, badge(meter.provenance),
    ]);
    place.replaceChildren(
      table("Power now", [["Meter"], ["Power", "number"], ["Scope"], ["Provenance"]], rows));
  }
  place.querySelectorAll("tbody tr").forEach((row, index) => {
    const meter = live.meters[index];
    row.cells[1].textContent = typeof meter.power_w === "number" ? watts(meter.power_w) : readings[meter.reading] ?? "–";
    row.cells[1].title = meter.reason ?? "";
    row.cells[1].className = `number ${meter.provenance}`;
  });
}

const scopes = {
  wall: "the whole machine, at its plug",
  system: "the board",
  components: "processors, memory and accelerators that have a meter; not the whole machine",
};

/** @param {boolean} wasThere whether there was a power before: one that is not known yet is not one that is gone */
export function totalNow(total, kind, live, wasThere) {
  const sign = isGuessed(live.provenance) ? "≈ " : "";
  const none = wasThere ? "no power" : "–";
  total.textContent = typeof live.power_w === "number" ? `${sign}${live.power_w.toFixed(1)} W` : none;
  total.className = `total ${live.provenance ?? ""}`;
  put(
    kind,
    ...(live.provenance ? [badge(live.provenance), " "] : []), `${live.scope}: ${scopes[live.scope] ?? ""}`);
}

// MARK: Control

/** What is said where the machine does not measure as it did; an older daemon does not tell. */
export function control(place, checks) {
  const drifting = (checks ?? []).filter((one) => one.drifting);
  place.hidden = drifting.length === 0;
  const parts = drifting.map((one) => {
    const share = (one.latest_kwh / one.expected_kwh - 1) * 100;
    return `${one.task}, ${one.model} (${one.scope}): ${Math.abs(share).toFixed(1)} % ${share < 0 ? "below" : "above"} its ${one.earlier} earlier runs`;
  });
  const text = `This machine drifts: the latest run of the suite control is unlike its earlier ones. ${parts.join("; ")}.`;
  if (drifting.length > 0 && place.textContent !== text) place.textContent = text;
}

// MARK: Queue

function progress({ job, event }) {
  if (job.state === "queued") return [job.waits_for ? `waits for ${job.waits_for}` : event?.message ?? "waits"];
  if (job.state !== "running") return job.failures.map((line) => element("p", { class: job.state === "failed" ? "wrong" : "soft" }, line));
  const parts = [event?.task, event?.stage].filter(Boolean);
  if (event?.repeat) parts.push(`repeat ${event.repeat}${event.repeats ? ` of ${event.repeats}` : ""}`);
  if (event?.message) parts.push(event.message);
  if (typeof event?.remaining_s === "number") parts.push(`${duration(event.remaining_s)} left`);
  const bar = event?.total > 0
    ? element("progress", { max: event.total, value: event.completed ?? 0, "aria-label": `progress of job ${job.id}` })
    : null;
  return [bar, bar ? " " : null, parts.join(" · ") || "running"];
}

/**
 * @param {Map<number, {job: any, event: any}>} jobs
 * @param {Map<string, {runs: number}>} suiteRuns the suites of the record that are known
 * @param {string} changes what the daemon lets us: allowed, with-token or not-allowed
 * @param {(id: number) => void} cancel
 */
export function queue(place, jobs, suiteRuns, changes, cancel) {
  const all = [...jobs.values()].sort((a, b) => b.job.id - a.job.id);
  const open = all.filter(({ job }) => job.state === "queued" || job.state === "running").reverse();
  const ended = all.filter((one) => !open.includes(one)).slice(0, 5);
  if (all.length === 0) {
    put(place, element("p", {}, "The queue is empty. ", element("code", {}, "taskwatt run"), " adds a job."));
    return;
  }
  // A job whose row says the same as before keeps it, whatever comes and goes around it: so a button stays under the finger that
  // presses it. Its progress alone changes with every event.
  const shown = [...open, ...ended];
  const ends = shown.map((one) => (open.includes(one) ? null : suiteRuns.get(one.job.suite_run)));
  const keys = shown.map(({ job }, index) => JSON.stringify([{ ...job, waits_for: null, progress: null }, ends[index], changes]));
  const before = new Map([...place.querySelectorAll("tbody tr")].map((row) => [row.dataset.key, row]));
  if ([...before.keys()].join() !== keys.join()) {
    const rows = shown.map((one, index) => {
      const { job } = one;
      const button = open.includes(one)
        ? element(
            "button",
            { type: "button", disabled: changes === "not-allowed", "aria-label": `Cancel job ${job.id}, ${job.suite}` },
            "Cancel")
        : ends[index] ? report(ends[index]) : "";
      if (open.includes(one)) button.onclick = () => cancel(job.id);
      const suite = job.schedule ? `${job.suite} (schedule ${job.schedule})` : job.suite;
      return [`${job.id}`, suite, badge(job.state), button, ""];
    });
    const made = table("Jobs", [["Job"], ["Suite"], ["State"], ["Action"], ["Progress", "words"]], rows);
    made.querySelectorAll("tbody tr").forEach((row, index) => {
      row.dataset.key = keys[index];
      row.replaceWith(before.get(keys[index]) ?? row);
    });
    const focused = document.activeElement;
    place.replaceChildren(made);
    if (place.contains(focused)) focused.focus();
  }
  place.querySelectorAll("tbody tr").forEach((row, index) => put(row.cells[4], ...progress(shown[index])));
}

// MARK: Results

const reportOf = (uuid, source) => `v1/report?suite_run=${encodeURIComponent(uuid)}&source=${encodeURIComponent(source)}`;

/** A link to a suite's report; a word where there is no window to report. */
function report(suite) {
  if (suite.runs === 0) return suite.status === "running" ? "not yet" : "no window";
  const name = `Report of ${suite.suite}, ${suite.uuid.slice(0, 8)}`;
  return element("a", { href: reportOf(suite.uuid, suite.source), "aria-label": name }, "report");
}

export function results(place, answer) {
  const left = Object.entries(answer.left_out).map(([why, count]) => `${count} (${why})`).join(", ");
  const of = answer.net ? "net: idle power taken off" : "gross: idle power is in it";
  if (answer.rows.length === 0) {
    put(
      place,
      left
        ? element("p", {}, `No run has a figure here (${of}). Left out: ${left}.`)
        : element("p", {}, "The table is empty. ", element("code", {}, "taskwatt run"), " fills it."));
    return;
  }
  // An older daemon's table does not say.
  const lacks = (row) => row.accuracy_stated === false;
  const rows = answer.rows.map((row) => [
    lacks(row) ? `${row.title} †` : row.title,
    element("td", { class: `number ${row.provenance}` }, `${isGuessed(row.provenance) ? "≈ " : ""}${figure(row.mean_kwh)} ± ${figure(row.std_kwh)}`),
    figure(row.mean_uncertainty_95_kwh), `${row.n}`, row.scope, badge(row.provenance), row.models.join(", "), row.with ?? "", row.size ?? "", row.machine,
  ]);
  put(
    place,
    table(
      `kWh per 1,000 inferences, ${of}; mean ± std over all runs (n − 1)`,
      [["Task"], ["kWh: mean ± std", "number"], ["± 95 %", "number"], ["N", "number"], ["Scope"], ["Provenance"], ["Models"], ["With"], ["Size"], ["Machine"]],
      rows),
    answer.rows.some(lacks) ? element("p", { class: "note" }, "† accuracy not stated: ± 95 % does not include it.") : null,
    left ? element("p", { class: "note" }, `Left out: ${left}.`) : null);
}

export function suites(place, all) {
  if (all.length === 0) {
    put(place, element("p", {}, "No suite has run yet."));
    return;
  }
  const rows = all.slice(0, 10).map((one) => [
    one.suite, time(one.started_at_unix_s), badge(one.status), `${one.runs}`,
    report(one), one.error ?? "",
  ]);
  put(place, table("Latest suites", [["Suite"], ["Started"], ["State"], ["Windows", "number"], ["Report"], ["Error", "words"]], rows));
}

export function windows(place, all) {
  if (all.length === 0) {
    put(place, element("p", {}, "No window has been measured yet."));
    return;
  }
  const rows = all.map((run) => [
    element("a", { href: `${reportOf(run.suite_run, run.source)}#run-${run.id}`, "aria-label": `Run ${run.id} in its report` }, `${run.id}`),
    run.task ?? run.stage, run.model ?? "", time(run.started_at_unix_s),
    `${run.completed_inferences}`,
    element("td", { class: `number ${run.provenance}` }, typeof run.kwh_per_1000 === "number" ? `${isGuessed(run.provenance) ? "≈ " : ""}${figure(run.kwh_per_1000)}` : "–"),
    run.scope, badge(run.provenance), `${(run.coverage * 100).toFixed(0)} %`,
    [run.status === "completed" ? null : badge(run.status), run.error ? ` ${run.error}` : null, run.flags.join(", ") || null],
  ]);
  put(
    place,
    table(
      "Repeats, the latest first; their numbers lead to the report of their suite",
      [["Run"], ["Task"], ["Model"], ["Started"], ["Inferences", "number"], ["kWh per 1,000", "number"], ["Scope"], ["Provenance"], ["Seen", "number"], ["Flags", "words"]],
      rows));
}

// MARK: Machine

export function inventory(place, machine) {
  const { cpu, installed_memory_bytes: memory, accelerators = [], hypervisor, product } = machine.inventory;
  const facts = [
    ["Processor", cpu?.model], ["Memory", memory ? `${(memory / 2 ** 30).toFixed(0)} GiB` : null],
    ["Accelerators", accelerators.map((one) => one.name ?? one.device ?? one.address).filter(Boolean).join(", ") || "none"],
    ["Product", product],
    // As the record has one without a name.
    ["Virtual machine of", hypervisor === "a hypervisor that does not say its name" ? "unknown hypervisor" : hypervisor],
  ];
  put(
    place,
    ...facts.filter(([, fact]) => fact).flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, String(fact))]));
}

export function meters(place, all) {
  const rows = all.map((one) => [
    one.meter.id, one.meter.scope, badge(one.meter.provenance),
    readings[one.reading] ?? (one.available ? "yes" : "no"),
    [one.reason ?? "", one.remedy ? element("p", { class: "soft" }, one.remedy) : null],
  ]);
  put(place, table("Meters", [["Meter"], ["Scope"], ["Provenance"], ["Can be read"], ["Why not, and the remedy", "words"]], rows));
}
