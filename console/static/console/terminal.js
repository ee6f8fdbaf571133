// A shell in a container: what is typed goes out as bytes, what is printed comes in as bytes; sizes and the end are text.
"use strict";

const place = document.getElementById("terminal");
const state = document.getElementById("terminal-state");
const again = document.getElementById("terminal-again");
const encoder = new TextEncoder();

const terminal = new Terminal({ cursorBlink: true, scrollback: 5000, fontFamily: "ui-monospace, Menlo, monospace" });
const fit = new FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(place);

let socket = null;

function send(data) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(data);
}

function sendSize() {
  send(JSON.stringify({ rows: terminal.rows, columns: terminal.cols }));
}

function ended(text) {
  state.textContent = text;
  again.hidden = false;
}

function connect() {
  again.hidden = true;
  const url = new URL(place.dataset.terminal, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let why = "The connection was closed.";
  socket.onopen = () => {
    state.textContent = "Connected.";
    terminal.reset();
    fit.fit();
    sendSize();
    terminal.focus();
  };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") why = JSON.parse(event.data).end;
    else terminal.write(new Uint8Array(event.data));
  };
  socket.onclose = () => ended(why);
}

terminal.onData((text) => send(encoder.encode(text)));
terminal.onBinary((text) => send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
terminal.onResize(sendSize);
new ResizeObserver(() => fit.fit()).observe(place);
again.addEventListener("click", connect);
connect();
