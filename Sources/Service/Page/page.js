// Puts the page together: what is followed, what is asked again when, and what the buttons do.

import { cancel, dropToken, follow, get, setToken } from "./daemon.js";
import { loadPlane } from "./plane.js";
import { PowerChart } from "./power.js";
import * as sections from "./sections.js";

const find = (id) => document.getElementById(id);
const chart = new PowerChart(find("chart"), find("chart-hint"));
/** The jobs by their ids, with the latest that happened in each. */
const jobs = new Map();
/** Who holds the queue, as it was told last; each ends by itself. */
let holds = [];
/** Whether what comes next of the jobs is all of them: the first of a connection. */
let isFirstNews = true;
/** The latest suites of the record by their ids. */
let suiteRuns = new Map();
let changes = "not-allowed";
let stops = [];
/** Until the record's last hour is there, what comes live waits. */
let isLoaded = false;

// MARK: Connection

const lost = new Set();

function connection(name, isThere) {
  if (isThere) lost.delete(name);
  else lost.add(name);
  const banner = find("connection");
  find("total").classList.toggle("stale", lost.size > 0);
  if (lost.size > 0 && banner.hidden) {
    banner.textContent = `No connection to the daemon since ${new Date().toLocaleTimeString()}; trying again.`;
    banner.hidden = false;
  } else if (lost.size === 0) {
    banner.hidden = true;
  }
}

/** Of each place, what was asked for it last: an answer that comes late shall not take the place of a newer one. */
const asked = new Map();

/** Asks, and says in the place itself where there is no answer. */
async function fill(place, path, put) {
  const mine = {};
  asked.set(place, mine);
  let show;
  try {
    const answer = await get(path);
    show = () => put(place, answer);
  } catch (error) {
    show = () => place.replaceChildren(sections.element("p", { class: "wrong" }, error.message));
  }
  if (asked.get(place) === mine) show();
}

// MARK: Sections

const loadTable = () => fill(find("rows"), `v1/table${find("net").checked ? "?net=true" : ""}`, sections.results);
const loadResults = () =>
  Promise.all([
    loadTable(),
    fill(find("suites"), "v1/suite-runs", (place, all) => {
      sections.suites(place, all);
      suiteRuns = new Map(all.map((one) => [one.uuid, one]));
      drawQueue();
    }),
    fill(find("windows"), "v1/runs?stage=query&limit=15", sections.windows),
  ]);

let isResultDue = false;
/** Many windows may end within a second; to ask once is enough, and the machine may be measuring. */
function resultsSoon() {
  if (isResultDue) return;
  isResultDue = true;
  setTimeout(() => {
    isResultDue = false;
    loadResults();
  }, 2000);
}

const loadStatus = () =>
  fill(find("version"), "v1/status", (place, status) => {
    place.textContent = status.version;
    sections.control(find("control"), status.control);
  });

async function loadMachine() {
  await Promise.all([
    fill(find("inventory"), "v1/machine", (place, machine) => {
      sections.inventory(place, machine);
      find("host").textContent = machine.name;
      document.title = `${machine.name} – Taskwatt`;
    }),
    fill(find("meters"), "v1/meters", sections.meters),
    loadStatus(),
  ]);
}

async function loadAccess() {
  try {
    ({ changes } = await get("v1/access"));
  } catch {
    changes = "not-allowed";
  }
  find("access").textContent = {
    allowed: "", "with-token": "Cancelling needs the access token.",
    "not-allowed": "Cancelling is not allowed here: this listener is for reading. A token_file under listen: of taskwatt.yaml changes that.",
  }[changes];
  drawQueue();
}

// MARK: Power

let live = null;
/** Whether there ever was a power since the connection began. */
let wasPower = false;

async function loadPower(first) {
  const until = Date.now() / 1000;
  try {
    const step = 8;
    chart.load(await get(`v1/power?since=${until - 3600}&until=${until}&step=${step}`), first.meters);
  } catch (error) {
    find("chart-note").textContent = `The last hour is missing: ${error.message}`;
    find("chart-note").hidden = false;
  }
}

async function takeLive(now) {
  live = now;
  wasPower ||= typeof now.power_w === "number";
  sections.totalNow(find("total"), find("total-kind"), now, wasPower);
  if (!isLoaded) {
    isLoaded = true;
    await loadPower(now);
  } else {
    chart.add(now);
  }
  sections.powerNow(find("meters-now"), now, chart);
}

// MARK: Queue

let holdsEnd;

function drawQueue() {
  sections.queue(find("jobs"), jobs, suiteRuns, changes, tryCancel);
  const running = [...jobs.values()].filter(({ job }) => job.state === "running");
  const waiting = [...jobs.values()].filter(({ job }) => job.state === "queued").length;
  const waits = waiting > 0 ? `, ${waiting} wait${waiting === 1 ? "s" : ""}` : "";
  const now = Date.now();
  holds = holds.filter((hold) => hold.until_unix_s * 1000 > now);
  const held = holds.length > 0 ? `; held by ${holds.map((hold) => hold.holder).join(", ")}` : "";
  find("state").textContent = (running.length > 0
    ? `Runs ${running.map(({ job }) => `job ${job.id} (${job.suite})`).join(", ")}${waits}`
    : `Idle${waits}`) + held;
  clearTimeout(holdsEnd);
  // A timer of more than 24 days would fire at once.
  if (holds.length > 0) holdsEnd = setTimeout(drawQueue, Math.min(2 ** 31 - 1, Math.min(...holds.map((hold) => hold.until_unix_s)) * 1000 - now + 500));
}

function takeNews(news) {
  if (isFirstNews) jobs.clear();
  isFirstNews = false;
  holds = news.holds ?? holds;
  for (const job of news.jobs) {
    // A stage's event stays until the next one: a message in between says no more where we are, nor does what it waits for.
    let before = jobs.get(job.id)?.event;
    // What it waited for is over.
    if (job.state === "running" && before?.event === "queued") before = undefined;
    const event = news.event?.event === "message" && before ? { ...before, message: news.event.message } : news.event ?? before ?? job.progress;
    jobs.set(job.id, { job, event });
    if (news.event?.event === "started") find("news").textContent = `Job ${job.id}, ${job.suite}, has started.`;
    if (news.event?.event === "finished") find("news").textContent = `Job ${job.id}, ${job.suite}: ${job.state}.`;
  }
  if (["result", "finished"].includes(news.event?.event)) resultsSoon();
  // It takes the daemon a look at the whole record.
  if (news.event?.event === "finished") {
    loadPlane(find("plane-part"));
    // The daemon looks at what has ended within some seconds.
    setTimeout(loadStatus, 10_000);
  }
  drawQueue();
}

/** Asks for the token; `false` where it is not given. */
function askToken(problem) {
  const dialog = find("ask");
  find("ask-problem").hidden = !problem;
  find("ask-problem").textContent = problem ?? "";
  find("token").value = "";
  dialog.returnValue = "leave";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const token = find("token").value.trim();
      find("token").value = "";
      if (dialog.returnValue !== "use" || token === "") return resolve(false);
      setToken(token);
      resolve(true);
    };
  });
}

async function tryCancel(id) {
  if (changes === "with-token" && !(await askToken())) return;
  for (;;) {
    try {
      await cancel(id);
      break;
    } catch (error) {
      if (error.status !== 401) {
        find("access").textContent = `Job ${id} was not cancelled: ${error.message}`;
        return;
      }
      dropToken();
      if (!(await askToken(error.message))) break;
    }
  }
  await loadAccess();
}

// MARK: Beginning

function begin() {
  isLoaded = false;
  stops = [
    follow("v1/samples/live", {
      message: takeLive, lost: () => connection("live", false),
      opened: () => {
        connection("live", true);
        // After a pause or a restart the last hour and everything else may be another one.
        isLoaded = false;
        wasPower = false;
        loadMachine();
        loadResults();
        loadPlane(find("plane-part"));
        loadAccess();
      },
    }),
    follow("v1/events", {
      message: takeNews, lost: () => connection("events", false),
      opened: () => {
        connection("events", true);
        isFirstNews = true;
      },
    }),
  ];
}

// A tab that nobody sees shall cost the machine nothing; a browser has six connections to a host, too.
document.addEventListener("visibilitychange", () => {
  for (const stop of stops) stop();
  stops = [];
  if (!document.hidden) begin();
});
find("net").addEventListener("change", loadTable);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (live) sections.powerNow(find("meters-now"), live, chart);
});
if (!PowerChart.isThere) {
  find("chart-note").textContent =
    "No chart: dygraphs is not installed on the daemon's machine. On Debian and Ubuntu: sudo apt install libjs-dygraphs";
  find("chart-note").hidden = false;
  find("chart-hint").hidden = true;
  find("chart").hidden = true;
}
begin();
