// Logs stay at their end while the reader is there, and keep no more lines than the server does.
"use strict";

const MAX_LINES = 5000;

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
