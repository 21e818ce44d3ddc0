// Sorting, enlarging, comparing. Without this script the page says the same, at rest.
"use strict";

function makeSortable(table) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const direction = header.ariaSort === "ascending" ? "descending" : "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", direction);
      body.append(...sorted([...body.rows], column, direction === "ascending" ? 1 : -1));
    });
  });
}

// Totals stay below, and so do cells without a number in either direction.
function sorted(rows, column, sign) {
  const numbers = rows.some((row) => row.cells[column].dataset.value !== undefined);
  const last = (row) => row.classList.contains("total")
    ? 2 : Number(numbers && row.cells[column].dataset.value === undefined);
  const order = numbers
    ? (a, b) => a.cells[column].dataset.value - b.cells[column].dataset.value
    : (a, b) => a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en");
  return rows.sort((a, b) => last(a) - last(b) || (last(a) ? 0 : sign * order(a, b)));
}

function makeEnlargeable(figure, dialog) {
  const drawing = figure.firstElementChild;
  const caption = figure.querySelector("figcaption");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "⤢";
  button.title = "Enlarge";
  button.setAttribute("aria-label", `Enlarge: ${caption.textContent.trim().split(/[.:,]/)[0]}`);
  const open = () => {
    dialog.querySelector("figure").replaceChildren(
      drawing.cloneNode(true), caption.cloneNode(true));
    dialog.querySelector("figcaption button").remove();
    dialog.showModal();
  };
  button.addEventListener("click", open);
  drawing.addEventListener("click", open);
  drawing.classList.add("opens");
  caption.append(" ", button);
}

function makeComparison(section, cells) {
  const selects = { a: section.querySelector("#cell-a"), b: section.querySelector("#cell-b") };
  for (const [side, select] of Object.entries(selects)) {
    select.addEventListener("change", () => {
      for (const place of section.querySelectorAll(`[data-side="${side}"]`)) {
        place.innerHTML = cells[select.value][place.dataset.fragment];
      }
      section.querySelector("#chosen").textContent =
        `Cell ${side.toUpperCase()}: ${select.value}, ${cells[select.value].about}`;
    });
  }
  section.querySelector("#choice").hidden = false;
}

document.querySelectorAll("table.sortable").forEach(makeSortable);

const dialog = document.querySelector("dialog");
document.querySelectorAll("main figure").forEach((figure) => makeEnlargeable(figure, dialog));
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

const data = document.getElementById("cells");
if (data) makeComparison(document.getElementById("compare"), JSON.parse(data.textContent));
