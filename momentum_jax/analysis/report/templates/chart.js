// The curves: one path per seed, a thick one per arm's median, and the nearest curve under the pointer.
const svg = byId("curves");
const tip = byId("tip");
const MARGIN = { left: 52, right: 24, top: 14, bottom: 40 };
let size = { width: 0, height: 0 };
let range = [0, 100];

function element(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text !== undefined) node.textContent = text;
  return node;
}

// Step 0 has no logarithm; it stands half a doubling left of the first step.
const firstStep = data.steps.find((step) => step > 0) || 1;
const lastStep = data.steps[data.steps.length - 1] || firstStep;
const scaled = (step) => (state.scale === "log" ? Math.log(step || firstStep / 1.4) : step);

function xOf(step) {
  const [low, high] = [scaled(state.scale === "log" && data.steps[0] > 0 ? firstStep : 0), scaled(lastStep)];
  return MARGIN.left + ((scaled(step) - low) / (high - low)) * (size.width - MARGIN.left - MARGIN.right);
}

function yOf(value) {
  const share = (value - range[0]) / (range[1] - range[0]);
  return size.height - MARGIN.bottom - share * (size.height - MARGIN.top - MARGIN.bottom);
}

// Nice round ticks, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + 1e-9 * step; index += 1) found.push(index * step);
  return found;
}

function stepTicks() {
  const wanted = size.width < 500 ? 4 : 8;
  if (state.scale === "linear") return ticks(0, lastStep, wanted);
  const factors = size.width < 500 ? [1, 5] : [1, 2, 5];
  const found = data.steps[0] === 0 ? [0] : [];
  for (let power = 1; power <= lastStep; power *= 10) {
    found.push(...factors.map((factor) => factor * power).filter((step) => step >= firstStep && step <= lastStep));
  }
  return found;
}

function valueRange() {
  if (state.metric.unit === "%") return [0, 100];
  const values = shownKeys().flatMap((key) => curveOf(key).filter((value) => value !== null));
  if (!values.length) return [0, 1];
  const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const pad = 0.05 * (high - low) || 1;
  return [low - pad, high + pad];
}

// Gaps stay gaps: a value that is not there ends the line.
function pathOf(values) {
  let pen = "M";
  return values.map((value, index) => {
    if (value === null) { pen = "M"; return ""; }
    const part = `${pen}${xOf(data.steps[index]).toFixed(1)} ${yOf(value).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}

function drawAxes() {
  const bottom = size.height - MARGIN.bottom;
  const short = (step) => (step >= 1000 ? `${step / 1000}k` : `${step}`);
  stepTicks().forEach((step) => {
    svg.append(element("line", { class: "grid", x1: xOf(step), x2: xOf(step), y1: MARGIN.top, y2: bottom }));
    svg.append(element("text", { x: xOf(step), y: bottom + 17, "text-anchor": "middle" }, short(step)));
  });
  ticks(range[0], range[1], 5).forEach((value) => {
    svg.append(element("line", { class: "grid", x1: MARGIN.left, x2: size.width - MARGIN.right, y1: yOf(value), y2: yOf(value) }));
    svg.append(element("text", { x: MARGIN.left - 6, y: yOf(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(3)))));
  });
  const middle = (MARGIN.left + size.width - MARGIN.right) / 2;
  svg.append(element("text", { x: middle, y: size.height - 6, "text-anchor": "middle" }, "environment steps"));
}

function draw() {
  size = { width: Math.max(svg.clientWidth, 280), height: svg.clientWidth < 500 ? 320 : 440 };
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  svg.style.height = `${size.height}px`;
  svg.setAttribute("aria-label", `${state.metric.label}, ${state.kind}, of ${shownKeys().length} seeds against environment steps`);
  svg.replaceChildren();
  range = valueRange();
  drawAxes();
  svg.style.setProperty("--seed-opacity", Math.min(Math.max(16 / shownKeys().length, 0.15), 0.5));
  shownKeys().forEach((key) => {
    svg.append(element("path", { class: "seed", "data-key": key, d: pathOf(curveOf(key)), stroke: color(armOf(key)) }));
  });
  shownArms().forEach((arm) => {
    const middle = data.steps.map((_, index) => median(data.seeds.map((_seed, seed) => curveOf(keyOf(arm, seed))[index])));
    const d = pathOf(middle);
    svg.append(element("path", { class: "halo", d }));
    svg.append(element("path", { class: "median", "data-arm": arm, d, stroke: color(arm), "stroke-dasharray": DASHES[arm % DASHES.length] }));
  });
  highlight();
}

function highlight() {
  const lit = state.pointed || state.kept;
  svg.classList.toggle("dimmed", lit !== null);
  svg.querySelectorAll(".lit").forEach((path) => path.classList.remove("lit"));
  svg.querySelectorAll(".mark").forEach((mark) => mark.remove());
  [state.kept, state.pointed].filter((key) => key !== null).forEach((key) => {
    const path = svg.querySelector(`.seed[data-key="${key}"]`);
    if (path) { path.classList.add("lit"); svg.append(path); }
  });
  showTip(lit);
}

function showTip(key) {
  tip.hidden = key === null || !svg.querySelector(`.seed[data-key="${key}"]`);
  if (tip.hidden) return;
  const value = curveOf(key)[state.checkpoint];
  const at = value === null ? range[0] : value;
  const [x, y] = [xOf(data.steps[state.checkpoint]), yOf(at)];
  if (value !== null) svg.append(element("circle", { class: "mark", cx: x, cy: y, r: 5 }));
  const name = document.createElement("strong");
  name.textContent = nameOf(key);
  const where = `step ${steps(data.steps[state.checkpoint])}: ${number(value)} ${state.metric.unit}`;
  tip.replaceChildren(name, document.createElement("br"), where, document.createElement("br"), dipInWords(key));
  const left = Math.min(x + 14, size.width - tip.offsetWidth - 4);
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${y < size.height / 2 ? y + 16 : Math.max(y - tip.offsetHeight - 16, 4)}px`;
  byId("spoken").textContent = tip.innerText.replaceAll("\n", ", ");
}

function nearest(event) {
  const box = svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const closest = (items, distance) => items.reduce((best, item) => (distance(item) < distance(best) ? item : best), items[0]);
  const checkpoint = closest(data.steps.map((_, index) => index), (index) => Math.abs(xOf(data.steps[index]) - x));
  const known = shownKeys().filter((key) => curveOf(key)[checkpoint] !== null);
  if (!known.length) return null;
  return { checkpoint, pointed: closest(known, (key) => Math.abs(yOf(curveOf(key)[checkpoint]) - y)) };
}

// Up and down: the seed whose value at this checkpoint comes next.
function neighbour(direction) {
  const known = shownKeys().filter((key) => curveOf(key)[state.checkpoint] !== null);
  known.sort((a, b) => curveOf(a)[state.checkpoint] - curveOf(b)[state.checkpoint]);
  const place = known.indexOf(state.pointed || state.kept);
  if (place < 0) return known.length ? known[known.length >> 1] : null;
  return known[Math.min(Math.max(place + direction, 0), known.length - 1)];
}

function chartKey(event) {
  const last = data.steps.length - 1;
  const moves = {
    ArrowLeft: () => ({ checkpoint: Math.max(state.checkpoint - 1, 0), pointed: state.pointed || state.kept || neighbour(0) }),
    ArrowRight: () => ({ checkpoint: Math.min(state.checkpoint + 1, last), pointed: state.pointed || state.kept || neighbour(0) }),
    ArrowUp: () => ({ pointed: neighbour(1) }),
    ArrowDown: () => ({ pointed: neighbour(-1) }),
    Enter: () => ({ kept: state.kept === state.pointed ? null : state.pointed }),
    Escape: () => ({ pointed: null, kept: null }),
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  update(moves[event.key]());
}
