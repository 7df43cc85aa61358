"use strict";
// The page: what is filtered, brushed, sorted and selected, and the parts that show it.

const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const columns = new Map(data.columns.map((column) => [column.name, column]));
const count = data.columns.length ? data.columns[0].values.length : 0;
const value = (column, row) => (column.texts ? column.texts[column.values[row]] : column.values[row]);
const commandOf = (row) => (data.commands[row] || []).map((place) => data.words[place]).join(" ");
const PAGE = 100;
const LEVELS = 12;

const state = { filters: new Map(), brush: null, sort: "point", up: true, selected: null, shown: PAGE, rows: [], visible: [] };
const plot = new Plot(by("plot"));

/// Different values of a column in their order; none if there are too many to list.
function levelsOf(column) {
  const found = [...new Set(column.values)].filter((code) => code !== null);
  if (found.length < 2 || found.length > (column.texts ? 40 : LEVELS)) return null;
  return column.texts ? found : found.sort((a, b) => a - b);
}

// ---- filters

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function levelFilter(column, levels) {
  const wanted = new Set(levels);
  const box = (level) => {
    const input = element("input", { type: "checkbox", checked: true });
    input.addEventListener("change", () => {
      if (input.checked) wanted.add(level); else wanted.delete(level);
      setFilter(column.name, wanted.size === levels.length ? null : (row) => wanted.has(column.values[row]));
    });
    return element("label", {}, input, " " + (column.texts ? column.texts[level] || "(none)" : shown(level, column.unit)));
  };
  return element("div", { className: "levels" }, ...levels.map(box));
}

function rangeFilter(column) {
  const ends = ["at least", "at most"].map((label) =>
    element("input", { type: "number", step: "any", placeholder: label, ariaLabel: `${column.name} ${label}` }));
  const change = () => {
    const [low, high] = ends.map((end) => (end.value === "" ? null : Number(end.value)));
    const is = (row) => {
      const own = column.values[row];
      return own !== null && (low === null || own >= low) && (high === null || own <= high);
    };
    setFilter(column.name, low === null && high === null ? null : is);
  };
  ends.forEach((end) => end.addEventListener("input", change));
  return element("div", {}, ends[0], " ", ends[1]);
}

function makeFilters() {
  const measured = ["latency_total_s", "energy_total_j", "area_mm2", "power_w"];
  const names = ["network", "protocol", "hardware", ...data.axes, "fits", "bottleneck_total", ...measured];
  const parts = [];
  for (const name of new Set(names)) {
    const column = columns.get(name);
    if (!column) continue;
    const levels = levelsOf(column);
    if (!levels && (column.texts || new Set(column.values).size < 2)) continue;
    const title = column.name + (column.unit ? ` (${column.unit})` : "");
    const legend = element("legend", { textContent: title, title: column.means || "" });
    parts.push(element("fieldset", {}, legend, levels && !measured.includes(name) ? levelFilter(column, levels) : rangeFilter(column)));
  }
  by("filters").replaceChildren(...parts);
}

function setFilter(name, is) {
  if (is) state.filters.set(name, is); else state.filters.delete(name);
  state.brush = null;
  refresh();
}

// ---- what is drawn

function axis(id) {
  const column = columns.get(by(id).value), log = by(id + "-log");
  return { ...column, log: log.checked && !column.texts, label: column.name };
}

/// Rows that nothing beats in both values, from left to right.
function frontOf(rows, x, y) {
  const fit = rows.filter((row) => x.values[row] !== null && y.values[row] !== null && !(x.log && x.values[row] <= 0) && !(y.log && y.values[row] <= 0));
  const sorted = fit.sort((a, b) => x.values[a] - x.values[b] || y.values[a] - y.values[b]);
  let least = Infinity;
  return sorted.filter((row) => y.values[row] < least && ((least = y.values[row]), true));
}

/// Which group a row belongs to by the column of colours, and the groups' names.
function grouping() {
  const column = columns.get(by("colour").value);
  if (!column) return { of: () => 0, names: [] };
  const levels = levelsOf(column);
  if (levels) {
    const places = new Map(levels.map((level, place) => [level, place]));
    const names = levels.map((level) => (column.texts ? column.texts[level] || "(none)" : shown(level, column.unit)));
    return { of: (row) => places.get(column.values[row]) ?? 0, names };
  }
  const sorted = column.values.filter((own) => own !== null).sort((a, b) => a - b);
  const cuts = [0.25, 0.5, 0.75].map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
  const text = (cut) => shown(cut, column.unit);
  const names = [`up to ${text(cuts[0])}`, `to ${text(cuts[1])}`, `to ${text(cuts[2])}`, `above ${text(cuts[2])}`];
  return { of: (row) => cuts.filter((cut) => column.values[row] > cut).length, names };
}

function look(group) {
  return { colour: COLOURS[group % COLOURS.length], shape: SHAPES[(group + Math.floor(group / COLOURS.length)) % SHAPES.length] };
}

function drawPlot() {
  const [x, y, groups] = [axis("x"), axis("y"), grouping()];
  const size = Math.max(groups.names.length, 1);
  const fronts = [];
  if (by("front").checked && !x.texts && !y.texts) {
    const members = Array.from({ length: size }, () => []);
    state.rows.forEach((row) => members[groups.of(row)].push(row));
    members.forEach((rows, group) => fronts.push({ rows: frontOf(rows, x, y), colour: look(group).colour }));
  }
  plot.draw({ x, y, rows: state.rows, look: (row) => look(groups.of(row)), fronts, selected: state.selected });
  const sign = (group) => {
    const { colour, shape } = look(group), canvas = element("canvas", { width: 28, height: 28, ariaHidden: "true" });
    Object.assign(canvas.style, { width: "14px", height: "14px", marginRight: "0.35em", verticalAlign: "-0.15em" });
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour;
    trace(pen, shape, 14, 14, 9);
    pen.fill();
    return canvas;
  };
  by("legend").replaceChildren(...groups.names.map((name, group) => element("span", {}, sign(group), name)));
}

// ---- the table

const tableColumns = () => {
  const wanted = ["point", "network", ...data.axes, "latency_offline_s", "latency_online_s", "latency_total_s", "energy_total_j", "area_mm2", "power_w", "bottleneck_total", "fits", "error"];
  return [...new Set(wanted)].map((name) => columns.get(name)).filter(Boolean);
};

function sortRows() {
  const column = columns.get(state.sort);
  const rank = (row) => value(column, row);
  const order = (a, b) => {
    const [p, q] = [rank(a), rank(b)];
    if (p === null || q === null) return (p === null) - (q === null);
    const less = typeof p === "string" ? p.localeCompare(q) : p - q;
    return (state.up ? less : -less) || a - b;
  };
  state.visible.sort(order);
}

function drawTable() {
  const shownColumns = tableColumns();
  const head = shownColumns.map((column) => {
    const arrow = column.name === state.sort ? (state.up ? " ▲" : " ▼") : "";
    const button = element("button", { type: "button", textContent: column.name + arrow, title: column.means || "" });
    button.addEventListener("click", () => {
      state.up = column.name === state.sort ? !state.up : true;
      state.sort = column.name;
      sortRows();
      drawTable();
      by("table").querySelector(`th[data-name="${CSS.escape(column.name)}"] button`).focus();
    });
    const cell = element("th", { scope: "col", className: column.texts ? "name" : "" }, button);
    cell.dataset.name = column.name;
    cell.setAttribute("aria-sort", column.name === state.sort ? (state.up ? "ascending" : "descending") : "none");
    return cell;
  });
  by("table").tHead.replaceChildren(element("tr", {}, ...head));
  const lines = state.visible.slice(0, state.shown).map((row) => {
    const cells = shownColumns.map((column) =>
      element("td", { className: column.texts ? "name" : "", textContent: shown(value(column, row), column.unit) }));
    const line = element("tr", { tabIndex: 0 }, ...cells);
    line.dataset.row = row;
    line.setAttribute("aria-selected", String(row === state.selected));
    return line;
  });
  by("table").tBodies[0].replaceChildren(...lines);
  by("more").hidden = state.visible.length <= state.shown;
}

// ---- one point

function select(row) {
  state.selected = row;
  by("detail").hidden = row === null;
  if (row !== null) {
    by("number").textContent = String(value(columns.get("point"), row));
    by("command").textContent = commandOf(row) || "no command is known";
    const entry = (column) => element("div", { title: column.means || "" }, element("dt", { textContent: column.name }),
      element("dd", { textContent: shown(value(column, row), column.unit) }));
    by("values").replaceChildren(...data.columns.map(entry));
  }
  by("table").querySelectorAll("tbody tr").forEach((line) => line.setAttribute("aria-selected", String(Number(line.dataset.row) === row)));
  drawPlot();
}

async function copy() {
  const text = by("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    by("copy").textContent = "Copied";
  } catch {
    // A page from a file may not write to the clipboard: the text is marked instead.
    getSelection().selectAllChildren(by("command"));
    by("copy").textContent = "Marked: copy it with your keyboard";
  }
  setTimeout(() => { by("copy").textContent = "Copy the command"; }, 2500);
}

function save() {
  const names = [...columns.keys()];
  const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const line = (row) => names.map((name) => quoted(String(value(columns.get(name), row) ?? ""))).join(",");
  const text = [names.join(","), ...state.visible.map(line)].join("\n") + "\n";
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "points.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---- all together

function refresh() {
  const filters = [...state.filters.values()];
  state.rows = [];
  for (let row = 0; row < count; row += 1) if (filters.every((is) => is(row))) state.rows.push(row);
  state.visible = state.brush ? state.rows.filter((row) => state.brush.has(row)) : [...state.rows];
  state.shown = PAGE;
  const brushed = state.brush ? `, ${state.visible.length} of them brushed` : "";
  by("status").textContent = `${state.rows.length} of ${count} points${brushed}`;
  if (!state.brush) by("brush").hidden = true;
  if (state.selected !== null && !state.rows.includes(state.selected)) state.selected = null;
  sortRows();
  drawTable();
  select(state.selected);
}

function tip(place) {
  by("tip").hidden = !place;
  by("plot").querySelector("canvas").style.cursor = place ? "pointer" : "crosshair";
  if (!place) return;
  const names = [...new Set(["point", "network", ...data.axes, by("x").value, by("y").value, "bottleneck_total"])];
  const text = (name) => { const column = columns.get(name); return `${name}: ${shown(value(column, place.row), column.unit)}`; };
  by("tip").textContent = names.filter((name) => columns.has(name)).map(text).join("\n");
  const box = by("plot").getBoundingClientRect(), own = by("tip").getBoundingClientRect();
  by("tip").style.left = Math.max(0, place.x + 14 + own.width > box.width ? place.x - own.width - 14 : place.x + 14) + "px";
  by("tip").style.top = Math.max(0, Math.min(place.y - 10, box.height - own.height)) + "px";
}

function watchPlot() {
  const area = by("plot");
  let start = null;
  const at = (event) => { const box = area.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
  const boxOf = (a, b) => ({ left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) });
  area.addEventListener("pointerdown", (event) => { start = at(event); area.setPointerCapture(event.pointerId); });
  area.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (!start) return tip(plot.nearest(here.x, here.y));
    const box = boxOf(start, here);
    tip(null);
    by("brush").hidden = false;
    Object.assign(by("brush").style, { left: box.left + "px", top: box.top + "px", width: box.right - box.left + "px", height: box.bottom - box.top + "px" });
  });
  area.addEventListener("pointerup", (event) => {
    if (!start) return;
    const [here, from] = [at(event), start];
    start = null;
    const box = boxOf(from, here);
    if (box.right - box.left < 4 && box.bottom - box.top < 4) {
      by("brush").hidden = true;
      const place = plot.nearest(here.x, here.y);
      state.brush = null;
      state.selected = place ? place.row : null;
    } else state.brush = plot.inside(box);
    refresh();
  });
  area.addEventListener("pointerleave", () => { if (!start) tip(null); });
  area.addEventListener("keydown", (event) => {
    const order = [...plot.placed].sort((a, b) => a.x - b.x || a.y - b.y);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && order.length) {
      const before = order.findIndex((place) => place.row === state.selected);
      const next = order[before < 0 ? 0 : (before + step + order.length) % order.length];
      select(next.row);
      tip(next);
    } else if (event.key === "Enter" && state.selected !== null) by("copy").focus();
    else if (event.key === "Escape") { state.brush = null; tip(null); refresh(); }
    else return;
    event.preventDefault();
  });
}

function start() {
  const numeric = data.columns.filter((column) => column.name !== "point");
  const options = (wanted) => wanted.map((column) => element("option", { value: column.name, textContent: column.name }));
  by("x").replaceChildren(...options(numeric));
  by("y").replaceChildren(...options(numeric));
  by("colour").replaceChildren(element("option", { value: "", textContent: "(one colour)" }), ...options(numeric));
  const first = (id, ...names) => { by(id).value = names.find((name) => columns.has(name)) ?? by(id).options[0].value; };
  first("x", "latency_total_s", "latency_online_s");
  first("y", "energy_total_j", "area_mm2");
  first("colour", columns.get("network") && levelsOf(columns.get("network")) ? "network" : "bottleneck_total");
  for (const id of ["x", "y", "colour", "x-log", "y-log", "front"]) by(id).addEventListener("change", () => { state.brush = null; refresh(); });
  by("axes").addEventListener("submit", (event) => event.preventDefault());
  by("reset").addEventListener("click", () => { state.filters.clear(); state.brush = null; makeFilters(); refresh(); });
  by("more").addEventListener("click", () => { state.shown += PAGE; drawTable(); });
  by("copy").addEventListener("click", copy);
  by("save").addEventListener("click", save);
  const pick = (event) => { const line = event.target.closest("tr"); if (line) select(Number(line.dataset.row)); };
  by("table").tBodies[0].addEventListener("click", pick);
  by("table").tBodies[0].addEventListener("keydown", (event) => { if (event.key === "Enter") pick(event); });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (name) => { document.documentElement.dataset.theme = name; };
  theme(dark.matches ? "dark" : "light");
  by("theme").addEventListener("click", () => { theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); drawPlot(); });
  new ResizeObserver(() => { if (state.rows.length || count === 0) drawPlot(); }).observe(by("plot"));
  makeFilters();
  watchPlot();
  refresh();
}

start();
