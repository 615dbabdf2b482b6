// What is shown, and who wants to know when it changes.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const DASHES = ["", "7 4", "9 3 2 3", "2 3", "12 4", "4 4"];

const state = {
  metric: data.metrics[0],
  kind: ["exact", "windowed"].find((kind) => kind in data.metrics[0].kinds),
  arm: -1, // -1: every arm
  scale: "log",
  dips: data.dips.findIndex((entry) => entry.curve === data.primary && entry.baseline === 0),
  pointed: null, // key of the curve under the pointer
  kept: null, // key of the curve that was clicked
  checkpoint: data.steps.length - 1,
};

const listeners = [];
const onChange = (listener) => listeners.push(listener);

// Shallow change of the state; listeners learn which names were set.
function update(change) {
  Object.assign(state, change);
  const names = new Set(Object.keys(change));
  listeners.forEach((listener) => listener(names));
}

const keyOf = (arm, seed) => `${arm}/${seed}`; // both are positions
const armOf = (key) => Number(key.split("/")[0]);
const seedOf = (key) => Number(key.split("/")[1]);
const shownArms = () => (state.arm < 0 ? data.arms.map((_, arm) => arm) : [state.arm]);
const shownKeys = () => shownArms().flatMap((arm) => data.seeds.map((_, seed) => keyOf(arm, seed)));
const curveName = () => state.metric.kinds[state.kind];
const curveOf = (key) => data.curves[curveName()][armOf(key)][seedOf(key)];
const dipOf = (key) => data.dips[state.dips].rows[armOf(key)][seedOf(key)];
const color = (arm) => `var(--arm${arm % DASHES.length})`;
const nameOf = (key) => `${data.arms[armOf(key)]}, seed ${data.seeds[seedOf(key)]}`;

const steps = (value) => (value === null ? "–" : Math.round(value).toLocaleString("en").replaceAll(",", " "));

function number(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0 || (Math.abs(value) >= 0.1 && Math.abs(value) < 1e5)) return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  return value.toExponential(2);
}

function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (!known.length) return null;
  const half = known.length >> 1;
  return known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
}

// The dip of a seed in words, for the tooltip and for a screen reader.
function dipInWords(key) {
  const dip = dipOf(key);
  if (dip.failed !== null) return `failed at step ${steps(dip.failed)}`;
  if (dip.class === "none") return "no dip";
  if (dip.onset === null) return `${dip.class}; depth ${number(dip.depth)} ${data.dips[state.dips].unit}`;
  const back = dip.recovery === null ? "not back by the end" : `back at ${steps(dip.recovery)}`;
  return `dip of ${number(dip.depth)} ${data.dips[state.dips].unit} (${dip.class}): onset ${steps(dip.onset)}, trough ${steps(dip.trough)}, ${back}`;
}
