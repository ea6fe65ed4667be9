// Keys for triage. A decision needs a reason; its key jumps there, and Enter sends it.
"use strict";
(() => {
  const author = document.getElementById("author");
  if (!author) return;
  const said = document.getElementById("said");
  author.value = localStorage.getItem("desk-author") || "";
  author.addEventListener("input", () => localStorage.setItem("desk-author", author.value));
  const cases = () => [...document.querySelectorAll(".case:not(.done)")];
  const current = () => document.activeElement.closest(".case") || cases()[0];
  const actions = { c: "confirm", x: "clear", a: "allow", h: "hacked" };

  function move(step) {
    const all = cases();
    const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current()) + step))];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  }

  async function send(form, action) {
    const item = form.closest(".case");
    form.elements.author.value = author.value;
    if (!author.value.trim()) { author.focus(); said.textContent = author.labels[0].textContent + "?"; return; }
    if (!form.reportValidity()) return;
    const body = new URLSearchParams(new FormData(form));
    body.set("action", action);
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { accept: "application/json" } });
    const result = await answer.json().catch(() => ({ error: answer.statusText }));
    if (!answer.ok) { said.textContent = result.error; return; }
    said.textContent = `${item.dataset.host.replaceAll(".", "[.]")}: ${action}`;
    move(1);
    item.classList.add("done");
    item.querySelectorAll("button, input, select").forEach((part) => { part.disabled = true; });
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".decide")) return;
    event.preventDefault();
    send(event.target, event.submitter?.value || event.target.dataset.action || "confirm");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const form = event.target.closest && event.target.closest(".decide");
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") current()?.focus();
      if (event.key === "Enter" && form && form.dataset.action) {
        event.preventDefault();
        send(form, form.dataset.action);
      }
      return;
    }
    if (event.key === "j") move(current() === document.activeElement ? 1 : 0);
    else if (event.key === "k") move(-1);
    else if (event.key === "o") current()?.querySelector("h2 a").click();
    else if (actions[event.key] && current()) {
      const target = current().querySelector(".decide");
      target.dataset.action = actions[event.key];
      target.querySelectorAll("button").forEach((button) => {
        button.setAttribute("aria-pressed", String(button.value === actions[event.key]));
      });
      event.preventDefault();
      target.elements.reason.focus();
    }
  });
})();
