"use strict";
// The scatter plot: scales, ticks, markers and the nearest point. It knows nothing of filters or tables.

// Okabe and Ito's colours, told apart by people who see few colours; shapes tell them apart in grey too.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#555555"];
const SHAPES = ["circle", "square", "triangle", "diamond", "down", "plus", "cross", "bar"];
const MARGIN = { left: 74, right: 16, top: 12, bottom: 46 };

/// A number for people: four digits, with a prefix of its unit where there is one.
function shown(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value === "string") return value;
  const prefixes = { s: [[1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]], J: [[1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]],
    W: [[1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]], B: [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]] }[unit];
  const digits = (number) => String(Number(number.toPrecision(4)));
  if (!prefixes || value === 0) return digits(value) + (unit ? " " + unit : "");
  const size = Math.abs(value) * (1 + 1e-9);
  const [factor, prefix] = prefixes.find(([factor]) => size >= factor) || prefixes[prefixes.length - 1];
  return digits(value / factor) + " " + prefix + unit;
}

/// A scale from values to pixels: linear, logarithmic, or by the place of a text in its list.
function scaleOf(values, log, from, to, texts) {
  if (texts) {
    const step = (to - from) / texts.length;
    return { at: (code) => from + step * (code + 0.5), ticks: texts.map((text, code) => [code, text]), log: false };
  }
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null || (log && value <= 0)) continue;
    low = Math.min(low, value); high = Math.max(high, value);
  }
  if (low > high) { low = log ? 1 : 0; high = log ? 10 : 1; }
  const warp = log ? Math.log10 : (value) => value;
  let [a, b] = [warp(low), warp(high)];
  const pad = (b - a) * 0.04 || (log ? 0.5 : Math.abs(a) * 0.5 || 1);
  a -= pad; b += pad;
  const at = (value) => from + (to - from) * (warp(value) - a) / (b - a);
  return { at, ticks: (log ? logTicks(a, b) : linearTicks(a, b)).map((tick) => [tick, null]), log };
}

function linearTicks(low, high) {
  const rough = (high - low) / 6, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high; tick += 1) ticks.push(tick * step);
  return ticks;
}

function logTicks(low, high) {
  const [first, last] = [Math.floor(low), Math.ceil(high)];
  const factors = last - first > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = first; power <= last; power += 1) for (const factor of factors) {
    const tick = factor * 10 ** power, place = Math.log10(tick);
    if (place >= low && place <= high) ticks.push(tick);
  }
  return ticks;
}

/// Adds one marker to a path.
function trace(pen, shape, x, y, r) {
  pen.beginPath();
  if (shape === "circle") pen.arc(x, y, r, 0, 7);
  else if (shape === "square") pen.rect(x - r, y - r, 2 * r, 2 * r);
  else if (shape === "bar") pen.rect(x - r * 1.4, y - r / 2, 2.8 * r, r);
  else {
    const points = { triangle: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]], down: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
      diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
      plus: [[-0.4, -1.3], [0.4, -1.3], [0.4, -0.4], [1.3, -0.4], [1.3, 0.4], [0.4, 0.4], [0.4, 1.3], [-0.4, 1.3], [-0.4, 0.4], [-1.3, 0.4], [-1.3, -0.4], [-0.4, -0.4]],
      cross: [[-1.2, -0.6], [-0.6, -1.2], [0, -0.6], [0.6, -1.2], [1.2, -0.6], [0.6, 0], [1.2, 0.6], [0.6, 1.2], [0, 0.6], [-0.6, 1.2], [-1.2, 0.6], [-0.6, 0]] }[shape];
    points.forEach(([dx, dy], place) => (place ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
    pen.closePath();
  }
}

class Plot {
  constructor(element) {
    this.element = element;
    this.canvas = element.querySelector("canvas");
    this.placed = [];
  }

  /// Draws points. `view` has for x and y: values, unit, label, log, texts; `rows`, `look(row)` and lines `fronts`.
  draw(view) {
    const { width, height } = this.element.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(document.documentElement);
    this.ink = style.getPropertyValue("--ink").trim();
    this.line = style.getPropertyValue("--line").trim();
    const of = (axis) => view.rows.map((row) => axis.values[row]);
    this.x = scaleOf(of(view.x), view.x.log, MARGIN.left, width - MARGIN.right, view.x.texts);
    this.y = scaleOf(of(view.y), view.y.log, height - MARGIN.bottom, MARGIN.top, view.y.texts);
    this.axes(pen, view, width, height);
    this.placed = [];
    for (const row of view.rows) {
      const [x, y] = [view.x.values[row], view.y.values[row]];
      if (x === null || y === null || (this.x.log && x <= 0) || (this.y.log && y <= 0)) continue;
      this.placed.push({ row, x: this.x.at(x), y: this.y.at(y) });
    }
    const radius = this.placed.length > 3000 ? 2 : this.placed.length > 500 ? 2.8 : 4;
    pen.globalAlpha = this.placed.length > 3000 ? 0.45 : 0.8;
    for (const { row, x, y } of this.placed) {
      const { colour, shape } = view.look(row);
      pen.fillStyle = colour;
      trace(pen, shape, x, y, radius);
      pen.fill();
    }
    pen.globalAlpha = 1;
    for (const { rows, colour } of view.fronts) this.front(pen, view, rows, colour);
    this.mark(pen, view.selected);
  }

  axes(pen, view, width, height) {
    pen.font = '12px system-ui, "Liberation Sans", Arial, sans-serif';
    pen.strokeStyle = this.line;
    pen.lineWidth = 1;
    pen.fillStyle = this.ink;
    const line = (x1, y1, x2, y2) => { pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke(); };
    const bottom = height - MARGIN.bottom;
    pen.textAlign = "center";
    let last = -Infinity;
    for (const [tick, text] of this.x.ticks) {
      const x = this.x.at(tick), label = text ?? shown(tick, view.x.unit), half = pen.measureText(label).width / 2;
      line(x, MARGIN.top, x, bottom);
      // A label that would touch the one before it is left out; its line stays.
      if (x - half > last + 6) { pen.fillText(label, x, bottom + 16); last = x + half; }
    }
    pen.textAlign = "right";
    for (const [tick, text] of this.y.ticks) {
      const y = this.y.at(tick);
      line(MARGIN.left, y, width - MARGIN.right, y);
      pen.fillText(text ?? shown(tick, view.y.unit), MARGIN.left - 6, y + 4, MARGIN.left - 24);
    }
    pen.textAlign = "center";
    pen.fillText(view.x.label, (MARGIN.left + width - MARGIN.right) / 2, height - 8);
    pen.save();
    pen.translate(13, (MARGIN.top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(view.y.label, 0, 0);
    pen.restore();
  }

  front(pen, view, rows, colour) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.beginPath();
    let before = null;
    for (const row of rows) {
      const [x, y] = [this.x.at(view.x.values[row]), this.y.at(view.y.values[row])];
      // Steps: between two points of a front nothing better was found.
      if (before === null) pen.moveTo(x, y); else { pen.lineTo(x, before); pen.lineTo(x, y); }
      before = y;
    }
    pen.stroke();
  }

  mark(pen, row) {
    const place = this.placed.find((place) => place.row === row);
    if (!place) return;
    pen.strokeStyle = this.ink;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(place.x, place.y, 8, 0, 7);
    pen.stroke();
  }

  /// The point nearest to a place, if it is within 12 pixels.
  nearest(x, y) {
    let [best, distance] = [null, 144];
    for (const place of this.placed) {
      const square = (place.x - x) ** 2 + (place.y - y) ** 2;
      if (square < distance) [best, distance] = [place, square];
    }
    return best;
  }

  /// The points inside of a rectangle of pixels.
  inside(box) {
    const is = ({ x, y }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    return new Set(this.placed.filter(is).map((place) => place.row));
  }
}
