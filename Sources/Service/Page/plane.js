// The plane of speed over power: the daemon draws it, its checkboxes work by the style sheet, and here are the years.

import { getText } from "./daemon.js";

const find = (id) => document.getElementById(id);
const slider = find("year");

/** The latest year that is shown; `null` for all, with none emphasised. */
let chosen = null;
let timer = null;

const dated = () => [...document.querySelectorAll("#plane-part [data-year]")];
/** Each accelerator's mark, without its name. */
const marks = (all) => all.filter((one) => one.querySelector("path"));
const isVisible = (one) => getComputedStyle(one).display !== "none";

function show() {
  const all = dated();
  for (const one of all) {
    const year = Number(one.dataset.year);
    one.classList.toggle("later", chosen !== null && year > chosen);
    one.classList.toggle("past", chosen !== null && year < chosen);
  }
  const shown = marks(all).filter(isVisible);
  const fresh = shown.filter((one) => Number(one.dataset.year) === chosen).length;
  const count = `${shown.length} part${shown.length === 1 ? "" : "s"}`;
  const text = chosen === null ? `all years: ${count}` : `${chosen}: ${count}, ${fresh} new`;
  find("year-text").textContent = text;
  slider.setAttribute("aria-valuetext", text);
}

function choose(year) {
  chosen = year;
  slider.value = year ?? slider.max;
  show();
}

function stop() {
  clearInterval(timer);
  timer = null;
  find("play").textContent = "Play";
}

function play() {
  if (timer !== null) return stop();
  const last = Number(slider.max);
  choose(chosen === null || chosen >= last ? Number(slider.min) : chosen);
  find("play").textContent = "Pause";
  // Whoever asked for less motion gets steps that are slow enough to be single pictures.
  const step = matchMedia("(prefers-reduced-motion: reduce)").matches ? 2000 : 800;
  timer = setInterval(() => {
    if (chosen >= last) return stop();
    choose(chosen + 1);
  }, step);
}

/** Puts the plane into its place; what was switched off and the year stay as they are. */
export async function loadPlane(place) {
  try {
    await put(place);
  } catch (error) {
    const line = document.createElement("p");
    line.className = "wrong";
    line.textContent = error.message;
    place.replaceChildren(line);
    delete place.dataset.text;
    find("years").hidden = true;
  }
}

async function put(place) {
  const text = await getText("v1/plane");
  const part = new DOMParser().parseFromString(text, "text/html").querySelector(".plane");
  // The same as before: nothing moves under whoever reads it.
  if (!part || place.dataset.text === text) return;
  place.dataset.text = text;
  for (const box of place.querySelectorAll("input[type=checkbox]")) {
    const same = part.querySelector(`input.${box.className}`);
    if (same) same.checked = box.checked;
  }
  const focused = place.contains(document.activeElement) ? document.activeElement.className : null;
  place.replaceChildren(document.importNode(part, true));
  // A copy has what the text says, and not what was chosen.
  for (const box of part.querySelectorAll("input[type=checkbox]")) {
    const copy = place.querySelector(`input.${box.className}`);
    if (copy) copy.checked = box.checked;
  }
  if (focused) place.querySelector(`input.${focused}`)?.focus();
  const years = dated().map((one) => Number(one.dataset.year));
  if (years.length === 0) return;
  slider.min = Math.min(...years);
  slider.max = Math.max(...years);
  if (chosen === null) slider.value = slider.max;
  find("years").hidden = false;
  show();
}

slider.addEventListener("input", () => {
  stop();
  choose(Number(slider.value));
});
find("play").addEventListener("click", play);
find("all-years").addEventListener("click", () => {
  stop();
  choose(null);
});
find("years").addEventListener("submit", (event) => event.preventDefault());
find("plane-part").addEventListener("change", show);
