// What every page can do: follow logs, copy, open dialogs, search by "/", and open the menu on a small screen.
"use strict";

const MAX_LINES = 5000;

// Logs stay at their end while the reader is there, and keep no more lines than the server does.
function follow(log) {
  let atEnd = true;
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  });
  new MutationObserver(() => {
    while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }).observe(log, { childList: true });
}

document.querySelectorAll("[data-log]").forEach(follow);

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy || copy.textContent.trim());
    copy.classList.add("copied");
    setTimeout(() => copy.classList.remove("copied"), 1500);
  }
  // data-opens names a dialog; data-fills has values for its fields: {"hookId": "..."}.
  const opens = event.target.closest("[data-opens]");
  if (opens) {
    const dialog = document.getElementById(opens.dataset.opens);
    for (const [name, value] of Object.entries(JSON.parse(opens.dataset.fills ?? "{}"))) {
      dialog.querySelector(`[name="${name}"]`).value = value;
    }
    dialog.showModal();
  }
  event.target.closest("[data-closes]")?.closest("dialog").close();
  const menu = event.target.closest("[data-menu]");
  if (menu) {
    const open = document.getElementById("navigation").classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable], [data-keys]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector("[data-search]").focus();
  }
});
