// The table of seeds: sortable, and linked with the curves both ways.
const COLUMNS = [
  { label: "Arm", text: (key) => data.arms[armOf(key)], sort: (key) => armOf(key) },
  { label: "Seed", text: (key) => data.seeds[seedOf(key)], sort: (key) => data.seeds[seedOf(key)], number: true },
  { label: "Dip", text: (key) => (dipOf(key).failed === null ? dipOf(key).class : "failed"), sort: (key) => dipOf(key).class },
  { label: "Depth", text: (key) => number(dipOf(key).depth), sort: (key) => dipOf(key).depth, number: true },
  { label: "Onset", text: (key) => steps(dipOf(key).onset), sort: (key) => dipOf(key).onset, number: true },
  { label: "Trough", text: (key) => steps(dipOf(key).trough), sort: (key) => dipOf(key).trough, number: true },
  { label: "Back at", text: (key) => steps(dipOf(key).recovery), sort: (key) => dipOf(key).recovery, number: true },
  { label: "Area, kstep", text: (key) => number(dipOf(key).area), sort: (key) => dipOf(key).area, number: true },
  { label: "At the end", text: (key) => number(lastOf(key)), sort: (key) => lastOf(key), number: true },
];
const table = byId("seeds");
const order = { column: 1, down: false };

function lastOf(key) {
  const known = curveOf(key).filter((value) => value !== null);
  return known.length ? known[known.length - 1] : null;
}

// What has no value stands last, whichever way the column is sorted.
function compare(a, b) {
  const [left, right] = [a, b].map(COLUMNS[order.column].sort);
  if (left === null || right === null) return (left === null) - (right === null);
  const sign = left < right ? -1 : Number(left > right);
  return order.down ? -sign : sign;
}

function drawHead() {
  const row = document.createElement("tr");
  COLUMNS.forEach((column, index) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = column.number ? "number" : "";
    const sorted = index === order.column;
    cell.setAttribute("aria-sort", sorted ? (order.down ? "descending" : "ascending") : "none");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.label + (sorted ? (order.down ? " ▼" : " ▲") : "");
    button.addEventListener("click", () => sortBy(index));
    cell.append(button);
    row.append(cell);
  });
  table.tHead.replaceChildren(row);
}

function sortBy(index) {
  order.down = index === order.column ? !order.down : false;
  order.column = index;
  drawTable();
  table.tHead.querySelectorAll("button")[index].focus();
}

function drawTable() {
  drawHead();
  const rows = shownKeys().sort(compare).map((key) => {
    const row = document.createElement("tr");
    row.dataset.key = key;
    COLUMNS.forEach((column) => {
      const cell = row.insertCell();
      cell.textContent = column.text(key);
      cell.className = column.number ? "number" : "";
    });
    return row;
  });
  table.tBodies[0].replaceChildren(...rows);
  markRows();
}

function markRows() {
  const rows = [...table.tBodies[0].rows];
  rows.forEach((row) => {
    row.setAttribute("aria-selected", String(row.dataset.key === state.kept));
    row.classList.toggle("pointed", row.dataset.key === state.pointed);
    row.tabIndex = -1;
  });
  // One row takes part in the tab order: the kept one, else the first.
  const entry = rows.find((row) => row.dataset.key === state.kept) || rows[0];
  if (entry) entry.tabIndex = 0;
}

// Scrolls the table, never the page, so that the chart stays where it is.
function revealKept() {
  const row = table.querySelector('tr[aria-selected="true"]');
  if (!row) return;
  const frame = byId("seed-scroll");
  const above = row.offsetTop - table.tHead.offsetHeight;
  if (above < frame.scrollTop || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight) frame.scrollTop = above;
}

const keep = (key) => update({ kept: state.kept === key ? null : key, pointed: null });

function rowKey(event) {
  const row = event.target.closest("tbody tr");
  if (!row) return;
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  if (next) {
    event.preventDefault();
    next.focus();
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    keep(row.dataset.key);
  } else if (event.key === "Escape") {
    update({ kept: null, pointed: null });
  }
}
