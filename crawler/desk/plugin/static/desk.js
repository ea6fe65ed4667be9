// Copy buttons, blurred screenshots, and names for what Datasette leaves without one.
"use strict";
document.addEventListener("click", (event) => {
  const copy = event.target.closest(".copy");
  if (copy) {
    const before = copy.textContent;
    navigator.clipboard.writeText(copy.dataset.copy).then(
      () => { copy.textContent = "✓"; setTimeout(() => { copy.textContent = before; }, 1200); },
      () => { copy.textContent = "✗"; },
    );
  }
  const shot = event.target.closest(".shot");
  if (shot) shot.setAttribute("aria-pressed", String(shot.getAttribute("aria-pressed") !== "true"));
});
window.addEventListener("load", () => {
  for (const area of document.querySelectorAll(".table-wrapper")) area.tabIndex = 0;
  setTimeout(() => { // after Datasette has put its editor into the page
    for (const field of document.querySelectorAll("input:not([type=hidden], [type=submit]), select, textarea")) {
      if (field.labels.length || field.ariaLabel) continue;
      field.ariaLabel = field.name ? field.name.replaceAll("_", " ").trim() : "SQL";
    }
  });
  if (window.Intl && Intl.DisplayNames) {
    const names = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "region" });
    for (const cell of document.querySelectorAll("[data-country]")) {
      try { cell.textContent = names.of(cell.dataset.country); } catch { /* not a country's code */ }
    }
  }
});
