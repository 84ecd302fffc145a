// A terminal (docs/wire.md, 6.1). xterm.js is no module: it leaves its classes in the global object.
import "./xterm.js";
import "./addon-fit.js";

const main = document.querySelector("main");
const status = document.getElementById("status");
const again = document.getElementById("again");
const encoder = new TextEncoder();

// xterm.js makes style elements, which the page's policy allows with its nonce alone.
const create = document.createElement.bind(document);
document.createElement = (name, options) => {
  const element = create(name, options);
  if (name === "style") element.nonce = main.dataset.styleNonce;
  return element;
};

const terminal = new globalThis.Terminal({ cursorBlink: true, scrollback: 10_000 });
const fit = new globalThis.FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(document.getElementById("terminal"));
fit.fit();
addEventListener("resize", () => fit.fit());

let socket = null;
const send = (data) => { if (socket?.readyState === WebSocket.OPEN) socket.send(data); };
terminal.onData((text) => send(encoder.encode(text)));
terminal.onBinary((bytes) => send(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
terminal.onResize(({ cols, rows }) => send(JSON.stringify({ type: "resize", cols, rows })));

/** A ticket opens one terminal; only a page of this host may ask for one. */
async function ticket() {
  const answer = await fetch(main.dataset.ticket, { method: "POST" });
  const body = await answer.json();
  if (answer.status === 401) throw new Error("signed out: reload the page to sign in again");
  if (!answer.ok) throw new Error(body.message);
  return body.ticket;
}

function told(message) {
  if (message.type === "banner") status.textContent = `Connected to ${message.vm_name}, attestation ${message.attestation}`;
  if (message.type === "error") status.textContent = message.message;
  if (message.type === "exit")
    status.textContent = message.signal ? `The shell was ended by signal ${message.signal}` : `The shell ended with status ${message.exit_code}`;
  return message.type !== "banner";
}

async function connect() {
  again.hidden = true;
  status.textContent = "Connecting…";
  const query = new URLSearchParams({ ticket: await ticket(), cols: terminal.cols, rows: terminal.rows });
  let over = false;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${main.dataset.socket}?${query}`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") over = told(JSON.parse(data)) || over;
    else terminal.write(new Uint8Array(data));
  };
  socket.onclose = () => {
    if (!over) status.textContent = "The connection is lost.";
    again.hidden = false;
  };
  terminal.focus();
}

function start() {
  connect().catch((error) => {
    status.textContent = error.message;
    again.hidden = false;
  });
}

again.onclick = () => {
  terminal.reset();
  start();
};
start();
