// Plays a run back. The numbers stand in the page as base64, see payload.py.
const RUN = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SHADES = 64, MOST_CURVES = 7, REACH = 10;
// inferno_r of Matplotlib, light at its low end, at nine places.
const STOPS = ["#f4e58a", "#fbb61a", "#f57d15", "#dd513a", "#b63655", "#88226a", "#59106e", "#290b54", "#000004"];

function decode(one) {
  const text = atob(one.data), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new { f4: Float32Array, i4: Int32Array, u2: Uint16Array }[one.kind](bytes.buffer);
}
const A = Object.fromEntries(Object.entries(RUN.arrays).map(([name, one]) => [name, decode(one)]));
const T = RUN.moments, J = RUN.junctions.length, N = A.middles.length / 2, RUNS = RUN.members.length;
const MOST_BEHIND = 40, TOUCHED = matchMedia("(pointer: coarse)").matches;
let member = 0;

// Where moment k of the run that is shown stands in an array of (members, moments, ...).
const place = (name, k) => (member * T + k) * (RUN.arrays[name].shape[2] || 1);
const timeAt = (k) => A.time[member * T + k];

// The value of a packed variable at moment k of junction or wire j.
function value(name, k, j) {
  const of = RUN.arrays[name], code = A[name][place(name, k) + j];
  if (code === 65535) return NaN;
  const v = of.low + (code * (of.high - of.low)) / 65534;
  return of.log ? 10 ** v : v;
}

function shadesOf(stops, count) {
  const rgb = stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
  return Array.from({ length: count }, (_, i) => {
    const x = (i / (count - 1)) * (rgb.length - 1), a = Math.min(Math.floor(x), rgb.length - 2);
    return `rgb(${rgb[a].map((c, n) => Math.round(c + (x - a) * (rgb[a + 1][n] - c))).join(",")})`;
  });
}
const COLOURS = shadesOf(STOPS, SHADES), POTENTIALS = shadesOf(["#d9d9d9", "#8fb8d4", "#4a90bf"], 16);

let variable = Object.keys(RUN.variables)[0], now = 0, playing = false, last = 0, picked = [];
let view = { scale: 1, x: 0, y: 0 };

// Where on the stage: the network fits, whatever its size; `view` zooms and shifts that.
function bounds() {
  let box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const part of [A.wires, A.places, A.pads]) for (let i = 0; i < part.length; i += 2) {
    if (!Number.isFinite(part[i])) continue;
    box = [Math.min(box[0], part[i]), Math.min(box[1], part[i + 1]), Math.max(box[2], part[i]), Math.max(box[3], part[i + 1])];
  }
  return box;
}
const BOX = bounds();
let W = 0, H = 0, fit = 1;
const sx = (x) => (W / 2 + (x - (BOX[0] + BOX[2]) / 2) * fit) * view.scale + view.x;
const sy = (y) => (H / 2 - (y - (BOX[1] + BOX[3]) / 2) * fit) * view.scale + view.y;

function pen(canvas) {
  const ratio = window.devicePixelRatio || 1, { width, height } = canvas.parentElement.getBoundingClientRect();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  }
  const made = canvas.getContext("2d");
  made.setTransform(ratio, 0, 0, ratio, 0, 0); made.clearRect(0, 0, width, height);
  return [made, width, height];
}

// 0 to 1 of the colour bar, between two moments; a voltage by its size.
function strength(name, j) {
  const of = RUN.arrays[name], k = Math.floor(now), part = now - k;
  const a = A[name][place(name, k) + j], b = A[name][place(name, Math.min(k + 1, T - 1)) + j];
  if (a === 65535) return NaN;
  const code = (b === 65535 ? a : a + part * (b - a)) / 65534;
  if (of.log || of.low >= 0) return of.high > of.low ? code : 0.5;
  return Math.abs(of.low + code * (of.high - of.low)) / Math.max(-of.low, of.high);
}

const order = Array.from({ length: SHADES }, () => []);
function drawNetwork() {
  const [p, width, height] = pen($("network"));
  W = width; H = height;
  fit = 0.94 * Math.min(W / (BOX[2] - BOX[0] || 1), H / (BOX[3] - BOX[1] || 1));
  p.fillStyle = "#0001";
  for (let i = 0; i < A.pads.length; i += 4) if (Number.isFinite(A.pads[i]))
    p.fillRect(sx(A.pads[i]), sy(A.pads[i + 3]), sx(A.pads[i + 2]) - sx(A.pads[i]), sy(A.pads[i + 1]) - sy(A.pads[i + 3]));
  drawWires(p);
  const size = Math.min(3, Math.sqrt(view.scale)) * Math.max(0.6, Math.min(1.3, Math.sqrt((W * H) / (90 * J))));
  for (const list of order) list.length = 0;
  for (let j = 0; j < J; j++) {
    const s = strength(variable, j);
    if (Number.isFinite(s)) order[Math.max(0, Math.min(SHADES - 1, Math.round(s * (SHADES - 1))))].push(j);
  }
  for (let shade = 0; shade < SHADES; shade++) {
    const r = size * (1 + (2.5 * shade) / SHADES);
    p.fillStyle = COLOURS[shade];
    for (const j of order[shade]) p.fillRect(sx(A.places[2 * j]) - r, sy(A.places[2 * j + 1]) - r, 2 * r, 2 * r);
  }
  for (const [i, one] of picked.entries()) if (one.kind === "junction") {
    p.strokeStyle = INKS[i % INKS.length]; p.lineWidth = 2; p.beginPath();
    p.arc(sx(A.places[2 * one.n]), sy(A.places[2 * one.n + 1]), 7, 0, 7); p.stroke();
  }
  drawTerminalNames(p);
}

function line(p, part, i) { p.moveTo(sx(part[i]), sy(part[i + 1])); p.lineTo(sx(part[i + 2]), sy(part[i + 3])); }

function drawWires(p) {
  p.lineWidth = 1; p.strokeStyle = "#ccc"; p.beginPath();
  for (let i = 0; i < A.links.length; i += 4) line(p, A.links, i);
  p.stroke();
  const groups = A.node_potential ? POTENTIALS.map(() => []) : [[]];
  for (let n = 0; n < N; n++) {
    const s = A.node_potential ? strength("node_potential", n) : 0;
    groups[Math.max(0, Math.min(groups.length - 1, Math.round((s || 0) * (groups.length - 1))))].push(n);
  }
  groups.forEach((group, i) => {
    p.strokeStyle = A.node_potential ? POTENTIALS[i] : "#bbb"; p.beginPath();
    for (const n of group) if (Number.isFinite(A.wires[4 * n])) line(p, A.wires, 4 * n);
    p.stroke();
  });
  p.lineCap = "round";
  for (const n of RUN.terminals) mark(p, n, "#0072B2", 3);
  picked.forEach((one, i) => { if (one.kind === "wire") mark(p, one.n, INKS[i % INKS.length], 3.5); });
}

function mark(p, n, ink, width) {
  p.strokeStyle = ink; p.lineWidth = width; p.beginPath();
  if (Number.isFinite(A.wires[4 * n])) line(p, A.wires, 4 * n);
  p.stroke();
}

// Beside those terminals that are in view.
function drawTerminalNames(p) {
  p.font = "bold 13px system-ui, sans-serif"; p.lineWidth = 4; p.strokeStyle = "#fff"; p.fillStyle = "#0072B2";
  RUN.terminals.forEach((n, i) => {
    const name = RUN.terminals.length === 2 ? ["source", "drain"][i] : `terminal ${i + 1}`, wide = p.measureText(name).width;
    const mx = sx(A.middles[2 * n]), my = sy(A.middles[2 * n + 1]);
    if (!(mx >= 0 && mx <= W && my >= 0 && my <= H)) return;
    // Outwards, where fewer junctions lie below it.
    const x = Math.max(4, Math.min(W - wide - 4, mx < W / 2 ? mx - wide - 6 : mx + 6)), y = Math.max(16, Math.min(H - 6, my - 6));
    p.strokeText(name, x, y); p.fillText(name, x, y);
  });
}

function timeNow() {
  const k = Math.floor(now);
  return timeAt(k) + (now - k) * (timeAt(Math.min(k + 1, T - 1)) - timeAt(k));
}

function drawTraces() {
  const [p, width, height] = pen($("traces"));
  const left = 74, wide = width - left - 14, t = timeNow();
  const base = { now: t, unit: "S", log: true, title: "conductance of the network" };
  const timesOf = (m) => A.time.subarray(m * T, (m + 1) * T), times = timesOf(member);
  const of = (m, ink) => ({ ink, times: timesOf(m), at: (k) => A.network_conductance[m * T + k] });
  // The other runs of a batch behind the one that is shown, unless they are very many.
  const behind = RUNS > MOST_BEHIND ? [] : RUN.members.map((_, m) => m).filter((m) => m !== member);
  const all = [...behind.map((m) => of(m, "#ccc")), of(member, INKS[0])];
  drawCurves(p, [left, 24, wide, Math.max(60, height / 2 - 62)], times, all, base);
  const series = picked.map(seriesOf), [title, unit, log] = titleOf();
  const names = 15 * series.length, top = height / 2 + 14;
  if (series.length) {
    drawCurves(p, [left, top, wide, Math.max(40, height - top - names - 28)], times, series, { now: t, unit, log, title });
    drawNames(p, left, height - names - 4, series);
  } else { p.fillStyle = "#777"; p.textAlign = "left"; p.fillText(`${TOUCHED ? "Tap" : "Click"} wires or junctions to plot them here.`, left, top); }
}

// What picked things are plotted by: potentials if wires alone are picked and have them, else the variable.
const byPotential = () => A.node_potential && picked.every((one) => one.kind === "wire");
function titleOf() {
  if (byPotential()) return ["potential of wires", "V", false];
  const [name, unit, log] = RUN.variables[variable];
  return [`${name} of junctions`, unit, log];
}
function seriesOf(one) {
  if (one.kind === "wire" && byPotential()) return { name: `wire ${one.n}`, at: (k) => value("node_potential", k, one.n) };
  const j = one.kind === "wire" ? strongestOn(one.n) : one.n;
  const name = one.kind === "wire" ? `strongest junction of wire ${one.n}: ${RUN.junctions[j]}` : `junction ${RUN.junctions[j]}`;
  return { name, at: (k) => value(variable, k, j) };
}
function strongestOn(n) {
  let best = 0, most = -1;
  for (let j = 0; j < J; j++) if (A.edges[2 * j] === n || A.edges[2 * j + 1] === n) {
    const s = strength(variable, j);
    if (s > most) { most = s; best = j; }
  }
  return best;
}

// The nearest junction or wire within reach of a point of the stage.
function nearest(x, y) {
  let found = null, least = REACH;
  for (let j = 0; j < J; j++) {
    const d = Math.hypot(sx(A.places[2 * j]) - x, sy(A.places[2 * j + 1]) - y);
    if (d < least) { least = d; found = { kind: "junction", n: j }; }
  }
  if (found) return found;
  for (let n = 0; n < N; n++) {
    const [ax, ay, bx, by] = [sx(A.wires[4 * n]), sy(A.wires[4 * n + 1]), sx(A.wires[4 * n + 2]), sy(A.wires[4 * n + 3])];
    const dx = bx - ax, dy = by - ay, u = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    const d = Math.hypot(ax + u * dx - x, ay + u * dy - y);
    if (d < least) { least = d; found = { kind: "wire", n }; }
  }
  return found;
}

function wordsOf(one) {
  const k = Math.round(now), lines = [];
  if (one.kind === "junction") {
    lines.push(`junction ${RUN.junctions[one.n]}: wires ${A.edges[2 * one.n]} and ${A.edges[2 * one.n + 1]}`);
    for (const [key, name] of [["junction_voltage", "voltage"], ["state", "state"], ["junction_conductance", "conductance"]])
      lines.push(`${name}: ${key in RUN.variables ? inWords(value(key, k, one.n), RUN.variables[key][1]) : "not recorded"}`);
  } else lines.push(`wire ${one.n}`, `potential: ${A.node_potential ? inWords(value("node_potential", k, one.n), "V") : "not recorded"}`);
  return lines.join("\n");
}

function draw() {
  drawNetwork(); drawTraces();
  $("time").value = inWords(timeNow(), "s"); $("scrub").value = now;
  document.documentElement.dataset.moment = Math.round(now);
}

function tick(stamp) {
  if (playing) {
    now += ((stamp - last) / 1000) * ((T - 1) / Number($("duration").value));
    if (now >= T - 1) { now = T - 1; play(false); }
    draw();
  }
  last = stamp;
  if (playing) requestAnimationFrame(tick);
}
function play(on) {
  if (on && now >= T - 1) now = 0;
  playing = on; $("play").innerHTML = on ? "&#10074;&#10074;" : "&#9654;";
  if (on) requestAnimationFrame((stamp) => { last = stamp; tick(stamp); });
}

function showVariable() {
  const of = RUN.arrays[variable], unit = RUN.variables[variable][1], shown = (v) => inWords(of.log ? 10 ** v : v, unit);
  const round = !of.log && of.low < 0;
  $("low").textContent = round ? inWords(0, unit) : shown(of.low);
  $("high").textContent = round ? "± " + shown(Math.max(-of.low, of.high)) : shown(of.high);
  const p = $("bar").getContext("2d");
  COLOURS.forEach((c, i) => { p.fillStyle = c; p.fillRect((128 / SHADES) * i, 0, 128 / SHADES + 1, 10); });
}

function start() {
  const kept = T < RUN.records ? `${T} of ${RUN.records} records` : `${T} records`;
  $("summary").textContent = `${N} wires, ${J} junctions, ${kept}, ${inWords(timeAt(T - 1), "s")}`
    + (RUNS > 1 ? `, ${RUNS} runs` : RUN.members[0] ? `, run ${RUN.members[0]} of a batch` : "");
  for (const [key, [name]] of Object.entries(RUN.variables)) $("variable").add(new Option(name, key));
  $("hint").textContent = (TOUCHED
    ? "Tap wires and junctions to read and plot them; pinch to zoom, then drag to move; double-tap to see all."
    : "Hover over a junction to read it; click wires and junctions to plot them; wheel to zoom, drag to move, double-click to see all.")
    + (A.node_potential ? " Wires are coloured by their potential." : " Potentials of wires were not recorded.");
  $("scrub").max = T - 1;
  $("which").hidden = RUNS < 2;
  RUN.members.forEach((name, m) => $("member").add(new Option(name, m)));
  $("member").onchange = () => { member = Number($("member").value); draw(); };
  $("variable").onchange = () => { variable = $("variable").value; showVariable(); draw(); };
  $("scrub").oninput = () => { now = Number($("scrub").value); draw(); };
  $("play").onclick = () => play(!playing);
  addEventListener("keydown", (e) => {
    if (e.target.tagName === "SELECT" || e.target.tagName === "BUTTON") return;
    if (e.key === " ") { play(!playing); e.preventDefault(); }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step) { now = Math.max(0, Math.min(T - 1, Math.round(now) + step)); draw(); e.preventDefault(); }
  });
  listen($("network"));
  addEventListener("resize", draw);
  showVariable(); draw();
}

// Larger by a factor around a point of the stage, which moves by dx and dy.
function zoom(x, y, by, dx = 0, dy = 0) {
  const scale = Math.max(1, Math.min(60, view.scale * by)), ratio = scale / view.scale;
  // At its smallest all is in view again.
  const whole = scale === 1 && by < 1;
  show(whole ? { scale, x: 0, y: 0 } : { scale, x: x - (x - view.x) * ratio + dx, y: y - (y - view.y) * ratio + dy });
}
// A finger scrolls the page as long as all of the network is in view, and moves the network once it is not.
function show(next) {
  view = next;
  $("network").style.touchAction = view.scale > 1 ? "none" : "pan-y";
  draw();
}

// Mouse, pen and fingers on the stage.
function listen(stage) {
  const at = (e) => { const b = stage.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; };
  let held = null, pinched = null;
  stage.onpointerdown = (e) => { held = { from: at(e), view: { ...view }, moved: pinched !== null }; };
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { held = null; });
  stage.onpointerup = (e) => {
    if (!held || held.moved) return;
    const one = nearest(...at(e));
    pick(one); hover(one, ...at(e));
  };
  stage.onpointermove = (e) => {
    const [x, y] = at(e);
    if (pinched) return;
    if (held && (e.pointerType === "mouse" || view.scale > 1)) {
      const dx = x - held.from[0], dy = y - held.from[1];
      held.moved ||= Math.hypot(dx, dy) > 4;
      if (held.moved) show({ ...view, x: held.view.x + dx, y: held.view.y + dy });
      return;
    }
    hover(nearest(x, y), x, y);
  };
  stage.onpointerleave = () => { $("tip").hidden = true; };
  stage.ondblclick = () => { picked = []; show({ scale: 1, x: 0, y: 0 }); };
  stage.addEventListener("wheel", (e) => { zoom(...at(e), Math.exp(-e.deltaY / 400)); e.preventDefault(); }, { passive: false });

  // Two fingers: what lies between them stays between them. Events of touch, as only these can keep the page still.
  const between = (e) => {
    const [[ax, ay], [bx, by]] = [at(e.touches[0]), at(e.touches[1])];
    return { x: (ax + bx) / 2, y: (ay + by) / 2, apart: Math.max(1, Math.hypot(ax - bx, ay - by)) };
  };
  stage.addEventListener("touchstart", (e) => {
    if (e.touches.length !== 2) return;
    pinched = between(e); held = null; $("tip").hidden = true;
    if (e.cancelable) e.preventDefault();
  }, { passive: false });
  stage.addEventListener("touchmove", (e) => {
    if (!pinched || e.touches.length !== 2) return;
    const next = between(e);
    zoom(pinched.x, pinched.y, next.apart / pinched.apart, next.x - pinched.x, next.y - pinched.y);
    pinched = next;
    if (e.cancelable) e.preventDefault();
  }, { passive: false });
  // The finger that stays does not pick, nor does it move the network from where the first touch was.
  for (const end of ["touchend", "touchcancel"]) stage.addEventListener(end, (e) => {
    if (e.touches.length < 2) { pinched = null; held = null; }
  });
}

function hover(one, x, y) {
  const tip = $("tip");
  tip.hidden = !one;
  if (!one) return;
  tip.textContent = wordsOf(one);
  tip.style.left = Math.max(0, Math.min(x + 14, W - tip.offsetWidth)) + "px";
  tip.style.top = Math.max(0, Math.min(y + 14, H - tip.offsetHeight)) + "px";
}

function pick(one) {
  if (!one) return;
  const at = picked.findIndex((other) => other.kind === one.kind && other.n === one.n);
  if (at >= 0) picked.splice(at, 1);
  else picked = [...picked, one].slice(-MOST_CURVES);
  draw();
}

start();
