// The chart of every meter's power: the last hour as the record has it, then what comes.

const hour = 3600;
/** Longer than this between two points, nothing was seen, and no line is drawn, in seconds. */
const silence = 20;
const palettes = {
  light: ["#1f5f9e", "#a8501b", "#2d7d46", "#a33b7c", "#7a6a00", "#5d52a6", "#b3342c", "#00727a"],
  dark: ["#6fb1ee", "#f0a06a", "#6fce8d", "#ea8cc5", "#d8c24a", "#b3a8f7", "#f58f86", "#5fd0d8"],
};
const patterns = { estimated: [7, 5], simulated: [2, 4] };

export class PowerChart {
  #place;
  #hint;
  #usualHint;
  #graph = null;
  #meters = [];
  /** Seconds since 1970, and a power for each meter. */
  #rows = [];
  #night = matchMedia("(prefers-color-scheme: dark)");

  constructor(place, hint) {
    this.#place = place;
    this.#hint = hint;
    this.#usualHint = hint.textContent;
    this.#night.addEventListener("change", () => this.#draw(true));
  }

  /** Whether the library is installed. */
  static get isThere() {
    return typeof window.Dygraph === "function";
  }

  colour(index) {
    const palette = this.#night.matches ? palettes.dark : palettes.light;
    return palette[index % palette.length];
  }

  static pattern(provenance) {
    return patterns[provenance] ?? null;
  }

  /** Takes the last hour of the record in place of what there is; what came since it was written stays. */
  load(stretches, meters) {
    const isSame = meters.every((meter, index) => meter.meter === this.#meters[index]?.meter);
    const before = isSame && meters.length === this.#meters.length ? this.#rows : [];
    this.#meters = meters;
    const byTime = new Map();
    for (const one of stretches) {
      const place = meters.findIndex((meter) => meter.meter === one.meter);
      if (place < 0 || !(one.seen_s > 0)) continue;
      const time = one.start_unix_s + one.seconds / 2;
      if (!byTime.has(time)) byTime.set(time, meters.map(() => null));
      byTime.get(time)[place] = one.energy_j / one.seen_s;
    }
    this.#rows = [];
    for (const time of [...byTime.keys()].sort((a, b) => a - b)) this.#append(time, byTime.get(time));
    for (const [time, ...powers] of before) this.#append(time, powers);
    this.#draw(true);
  }

  /** Takes what the sampler saw last. */
  add(live) {
    const isOther =
      live.meters.length !== this.#meters.length ||
      live.meters.some((meter, index) => meter.meter !== this.#meters[index].meter);
    if (isOther) {
      const places = live.meters.map((meter) => this.#meters.findIndex((old) => old.meter === meter.meter));
      this.#rows = this.#rows.map(([time, ...powers]) => [time, ...places.map((place) => powers[place] ?? null)]);
      this.#meters = live.meters;
    }
    this.#append(live.time_unix_s, live.meters.map((meter) => meter.power_w ?? null));
    const first = this.#rows.findIndex(([time]) => time >= live.time_unix_s - hour);
    if (first > 0) this.#rows.splice(0, first);
    this.#draw(isOther);
  }

  #append(time, powers) {
    const last = this.#rows.at(-1)?.[0];
    if (last !== undefined && time <= last) return;
    if (last !== undefined && time - last > silence) this.#rows.push([last + 1, ...powers.map(() => null)]);
    this.#rows.push([time, ...powers]);
  }

  #draw(anew) {
    if (!PowerChart.isThere || this.#meters.length === 0 || this.#rows.length === 0) return;
    const style = getComputedStyle(document.documentElement);
    const file = this.#rows.map(([time, ...powers]) => [new Date(time * 1000), ...powers]);
    if (this.#graph && !anew) {
      this.#graph.updateOptions({ file });
      return;
    }
    this.#graph?.destroy();
    // The table is the legend; and the library's own writes styles into the page, which its policy forbids.
    window.Dygraph.PLUGINS = window.Dygraph.PLUGINS.filter((plugin) => plugin !== window.Dygraph.Plugins?.Legend);
    const series = {};
    this.#meters.forEach((meter, index) => {
      series[meter.meter] = { color: this.colour(index), strokePattern: PowerChart.pattern(meter.provenance) };
    });
    this.#graph = new window.Dygraph(this.#place, file, {
      labels: ["time", ...this.#meters.map((meter) => meter.meter)],
      series,
      legend: "never",
      ylabel: "W",
      includeZero: true,
      strokeWidth: 1.6,
      labelsKMB: false,
      axes: {
        x: {
          // Between two seconds the library would write "21.500".
          axisLabelFormatter: (date, ...rest) =>
            date.getMilliseconds() === 0 ? window.Dygraph.dateAxisLabelFormatter(date, ...rest) : "",
        },
      },
      gridLineColor: style.getPropertyValue("--grid").trim(),
      axisLineColor: style.getPropertyValue("--rule").trim(),
      // A finger scrolls the page; a mouse may zoom.
      ...(matchMedia("(pointer: coarse)").matches ? { interactionModel: {} } : {}),
      highlightCallback: (_event, x, points) => {
        const powers = points.map((point) => `${point.name} ${point.yval.toFixed(2)} W`).join(", ");
        this.#hint.textContent = `${new Date(x).toLocaleTimeString()}: ${powers}`;
      },
      unhighlightCallback: () => {
        this.#hint.textContent = this.#usualHint;
      },
    });
  }
}
