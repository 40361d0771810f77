"use strict";
// Tables are sorted by a click on a heading, sources and cases are chosen, pictures are enlarged. No libraries.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value === undefined) return cell.textContent;
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

// Numbers begin with the largest and words with A, as that is what is looked for; what is nothing stays last.
function sortBy(heading) {
  const table = heading.closest("table"), column = heading.cellIndex, before = heading.ariaSort;
  const first = heading.classList.contains("n") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = before === first ? other : first;
  all("th", table.tHead).forEach((th) => { th.ariaSort = "none"; });
  heading.ariaSort = order;
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  rows.sort(([a], [b]) => (a === null ? (b === null ? 0 : 1) : b === null ? -1 : sign * compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

function chooseSource(button) {
  all("[data-choose]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  const chosen = button.dataset.choose;
  all("[data-source]").forEach((part) => { part.hidden = chosen !== "" && part.dataset.source !== chosen; });
  for (const form of all("form.filters")) {
    form.elements.origin.value = chosen;
    filterCases(form);
  }
}

function filterCases(form) {
  const wanted = Object.entries(Object.fromEntries(new FormData(form))).filter(([, value]) => value !== "");
  const cases = all(".case");
  for (const shown of cases) shown.hidden = !wanted.every(([name, value]) => shown.dataset[name] === value);
  const left = cases.filter((shown) => !shown.hidden).length;
  form.querySelector("output").textContent = `${left} of ${cases.length} shown`;
}

function enlarge(image) {
  const dialog = document.getElementById("enlarged");
  const copy = document.createElement("img"), words = document.createElement("p");
  copy.src = image.src;
  copy.alt = image.alt;
  words.textContent = image.alt;
  dialog.replaceChildren(copy, words);
  dialog.showModal();
}

function changeTheme() {
  const root = document.documentElement;
  const now = root.style.colorScheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.style.colorScheme = now === "dark" ? "light" : "dark";
}

all(".sortable thead th").forEach((th) => th.addEventListener("click", () => sortBy(th)));
all("[data-choose]").forEach((button) => button.addEventListener("click", () => chooseSource(button)));
all("form.filters").forEach((form) => {
  form.addEventListener("change", () => filterCases(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  filterCases(form); // a browser may have kept an earlier choice
});
all(".views img").forEach((image) => image.addEventListener("click", () => enlarge(image)));
document.getElementById("enlarged").addEventListener("click", (event) => event.currentTarget.close());
document.getElementById("theme").addEventListener("click", changeTheme);
