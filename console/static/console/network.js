// Choosing two things in the map, by mouse, touch or keyboard, asks whether the first reaches the second.
"use strict";

const form = document.querySelector("[data-question]");
const map = document.getElementById("map");

function mark() {
  const ends = { from: form.elements.from.value, to: form.elements.to.value };
  for (const card of map.querySelectorAll("[data-end]")) {
    const isFrom = card.dataset.end === ends.from;
    const isTo = card.dataset.end === ends.to;
    card.classList.toggle("from", isFrom);
    card.classList.toggle("to", isTo);
    card.setAttribute("aria-pressed", String(isFrom || isTo));
  }
  for (const line of map.querySelectorAll("[data-source]")) {
    line.classList.toggle("chosen", line.dataset.source === ends.from && line.dataset.target === ends.to);
  }
}

// Things appear as tasks start: the choices of the form follow the map.
function offer() {
  for (const select of [form.elements.from, form.elements.to]) {
    const known = new Set([...select.options].map((option) => option.value));
    for (const card of map.querySelectorAll("[data-end]")) {
      if (!known.has(card.dataset.end)) select.add(new Option(card.getAttribute("aria-label"), card.dataset.end));
    }
  }
}

function choose(end) {
  const { from, to } = form.elements;
  if (!from.value || to.value) {
    from.value = end;
    to.value = "";
  } else {
    to.value = end;
  }
  mark();
  if (to.value) form.requestSubmit();
}

map.addEventListener("click", (event) => {
  const card = event.target.closest("[data-end]");
  if (card) choose(card.dataset.end);
});
map.addEventListener("keydown", (event) => {
  const card = event.target.closest("[data-end]");
  if (card && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    choose(card.dataset.end);
  }
});
form.addEventListener("change", mark);

// Drawn again, the map keeps what is chosen, and the focus where it was.
let focused = "";
map.addEventListener("focusin", (event) => {
  focused = event.target.closest("[data-end]")?.dataset.end ?? "";
});
new MutationObserver(() => {
  offer();
  mark();
  if (focused && document.activeElement === document.body) {
    map.querySelector(`[data-end="${CSS.escape(focused)}"]`)?.focus();
  }
}).observe(map, { childList: true });
mark();
