// What every page can do: follow logs, scroll tables by keyboard, copy, open dialogs, search by "/", and open the menu.
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

// What scrolls sideways can be scrolled by keyboard, too: it takes the focus for as long as it is too narrow.
const narrow = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function watchScrollers() {
  for (const each of document.querySelectorAll(".scroll:not([role])")) narrow.observe(each);
}

new MutationObserver(watchScrollers).observe(document.getElementById("main"), { childList: true, subtree: true });
watchScrollers();

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
