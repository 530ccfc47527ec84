// Curves against time on a canvas, and numbers in words.
"use strict";
const INKS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

function inWords(value, unit) {
  if (!Number.isFinite(value)) return "no value";
  if (!unit || value === 0) return value.toPrecision(3) + (unit ? " " + unit : "");
  const power = Math.max(-15, Math.min(9, 3 * Math.floor(Math.log10(Math.abs(value)) / 3 + 1e-9)));
  const prefix = { "-15": "f", "-12": "p", "-9": "n", "-6": "µ", "-3": "m", 0: "", 3: "k", 6: "M", 9: "G" }[power];
  return (value / 10 ** power).toPrecision(3) + " " + prefix + unit;
}

// series: [{name, at: k -> value}], drawn over all moments in a box of the canvas, with a cursor at `now`; each may
// have an ink and times of its own.
function drawCurves(pen, box, times, series, { title, unit, log, now }) {
  const [left, top, width, height] = box;
  const y = (v) => (log ? Math.log10(v > 0 ? v : NaN) : v);
  let low = Infinity, high = -Infinity;
  for (const one of series) for (let k = 0; k < times.length; k++) {
    const v = y(one.at(k));
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (!(high >= low)) { low = 0; high = 1; }
  if (high - low < 1e-12 * Math.max(1, Math.abs(high))) { low -= 0.5; high += 0.5; }
  const span = times[times.length - 1] - times[0] || 1;
  const px = (t) => left + ((t - times[0]) / span) * width;
  const py = (v) => top + height - ((v - low) / (high - low)) * height;
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = "#222"; pen.textAlign = "left"; pen.textBaseline = "bottom";
  pen.fillText(title, left, top - 5);
  pen.strokeStyle = "#ddd"; pen.fillStyle = "#555"; pen.textAlign = "right"; pen.textBaseline = "middle"; pen.lineWidth = 1;
  for (const part of [0, 0.5, 1]) {
    const v = low + part * (high - low), at = Math.round(py(v)) + 0.5;
    pen.beginPath(); pen.moveTo(left, at); pen.lineTo(left + width, at); pen.stroke();
    pen.fillText(inWords(log ? 10 ** v : v, unit), left - 6, at);
  }
  pen.save(); pen.beginPath(); pen.rect(left, top - 2, width, height + 4); pen.clip();
  series.forEach((one, i) => {
    pen.strokeStyle = one.ink || INKS[i % INKS.length]; pen.lineWidth = 1.4; pen.beginPath();
    const own = one.times || times;
    let down = false;
    for (let k = 0; k < times.length; k++) {
      const v = y(one.at(k));
      if (Number.isFinite(v)) pen[down ? "lineTo" : "moveTo"](px(own[k]), py(v));
      down = Number.isFinite(v);
    }
    pen.stroke();
  });
  pen.restore();
  pen.strokeStyle = "#222"; pen.lineWidth = 1; pen.beginPath();
  pen.moveTo(px(now), top); pen.lineTo(px(now), top + height); pen.stroke();
  pen.textBaseline = "top"; pen.fillStyle = "#555";
  pen.textAlign = "left"; pen.fillText(inWords(times[0], "s"), left, top + height + 4);
  pen.textAlign = "right"; pen.fillText(inWords(times[times.length - 1], "s"), left + width, top + height + 4);
}

// Names of the curves, a line each, below a box.
function drawNames(pen, left, top, series) {
  pen.textAlign = "left"; pen.textBaseline = "middle";
  series.forEach((one, i) => {
    pen.fillStyle = INKS[i % INKS.length]; pen.fillRect(left, top + 15 * i + 5, 14, 4);
    pen.fillStyle = "#222"; pen.fillText(one.name, left + 20, top + 15 * i + 7);
  });
}
