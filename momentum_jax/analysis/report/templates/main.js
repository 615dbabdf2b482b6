// Controls, and what listens to what.
function options(select, labels, chosen) {
  select.replaceChildren(...labels.map((label, index) => new Option(label, String(index), false, index === chosen)));
}

function drawKinds() {
  const labels = { windowed: "window", cumulative: "cumulative", exact: "exact" };
  const kinds = Object.keys(labels).map((kind) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "kind", value: kind });
    input.checked = kind === state.kind;
    input.disabled = !(kind in state.metric.kinds);
    label.append(input, ` ${labels[kind]}`);
    return label;
  });
  byId("kinds").replaceChildren(...kinds);
}

function drawLegend() {
  const entries = shownArms().map((arm) => {
    const entry = document.createElement("span");
    const sample = element("svg", { width: 34, height: 10, "aria-hidden": "true" });
    const line = { x1: 0, x2: 34, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": DASHES[arm % DASHES.length] };
    sample.append(element("line", { ...line, style: `stroke: ${color(arm)}` }));
    entry.append(sample, ` ${data.arms[arm]}`);
    return entry;
  });
  byId("legend").replaceChildren(...entries);
}

function chooseMetric(index) {
  const metric = data.metrics[index];
  const kind = state.kind in metric.kinds ? state.kind : Object.keys(metric.kinds)[0];
  update({ metric, kind });
  drawKinds();
}

options(byId("metric"), data.metrics.map((metric) => metric.label), 0);
options(byId("arm"), ["every arm", ...data.arms], 0);
options(byId("dips"), data.dips.map((entry) => entry.label), state.dips);
drawKinds();

byId("metric").addEventListener("change", (event) => chooseMetric(Number(event.target.value)));
byId("arm").addEventListener("change", (event) => update({ arm: Number(event.target.value) - 1, pointed: null }));
byId("dips").addEventListener("change", (event) => update({ dips: Number(event.target.value) }));
byId("kinds").addEventListener("change", (event) => update({ kind: event.target.value }));
document.querySelectorAll('input[name="scale"]').forEach((input) => {
  input.addEventListener("change", () => update({ scale: input.value }));
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());

svg.addEventListener("pointermove", (event) => { const found = nearest(event); if (found) update(found); });
svg.addEventListener("pointerleave", () => update({ pointed: null }));
svg.addEventListener("click", (event) => { const found = nearest(event); if (found) { keep(found.pointed); revealKept(); } });
svg.addEventListener("keydown", (event) => { chartKey(event); revealKept(); });
table.tBodies[0].addEventListener("click", (event) => { const row = event.target.closest("tr"); if (row) keep(row.dataset.key); });
table.tBodies[0].addEventListener("keydown", rowKey);
table.tBodies[0].addEventListener("pointerover", (event) => { const row = event.target.closest("tr"); if (row) update({ pointed: row.dataset.key }); });
table.tBodies[0].addEventListener("pointerleave", () => update({ pointed: null }));

const REDRAWN = ["metric", "kind", "arm", "scale"];
onChange((names) => (REDRAWN.some((name) => names.has(name)) ? draw() : highlight()));
onChange((names) => (["metric", "kind", "arm", "dips"].some((name) => names.has(name)) ? drawTable() : markRows()));
onChange((names) => names.has("arm") && drawLegend());

drawLegend();
drawTable();
draw();
new ResizeObserver(() => { if (Math.abs(svg.clientWidth - size.width) > 1) draw(); }).observe(byId("plot"));
