/* A click on a column's name sorts a table with eight rows or more and a column of numbers; a second click reverses it. */

const FEW = 8

function valueOf(cell) {
  const text = cell.textContent.trim().replace(/,/g, "")
  const found = text.match(/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?/i)
  if (!found) return text.toLowerCase()
  const unit = { k: 1e3, M: 1e6, G: 1e9 }[text.slice(found[0].length).trim()[0]] || 1
  return Number(found[0]) * unit
}

function compare(a, b, sign) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1 // cells without a number stay at the end
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b))
}

function sortBy(table, column, header) {
  const descending = header.getAttribute("aria-sort") === "ascending"
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort")
  header.setAttribute("aria-sort", descending ? "descending" : "ascending")
  const rows = Array.from(table.tBodies[0].rows)
  rows.sort((a, b) => compare(valueOf(a.cells[column]), valueOf(b.cells[column]), descending ? -1 : 1))
  table.tBodies[0].append(...rows)
}

function makeSortable(table) {
  if (!table.tHead || table.tBodies[0].rows.length < FEW || table.dataset.sortable) return
  if (!Array.from(table.tBodies[0].rows[0].cells).some((cell) => typeof valueOf(cell) === "number")) return
  table.dataset.sortable = "yes"
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button")
    button.type = "button"
    button.title = "sort by this column"
    button.append(...header.childNodes)
    button.addEventListener("click", () => sortBy(table, column, header))
    header.append(button)
  })
}

function start() {
  document.querySelectorAll(".md-typeset table:not([class])").forEach(makeSortable)
}

document.addEventListener("DOMContentLoaded", start)
