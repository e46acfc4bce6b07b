// What happens on the server, to this page as to every other: GET /v1/events. One connection for the whole page; a
// hidden page has none, as a browser has only six for a server and several pages would use them up.
import { get, Refusal } from "./api.js";

const KINDS = ["head", "samples", "run", "version"];
const RETRY_MILLIS = 3000;
const CALM_MILLIS = 200;

const listeners = new Set();
const states = new Set();
let source = null;
let timer = 0;
let here = null;
let wanted = false;

// Told of {kind, head}, and of {kind: "all"} when something may have been missed. Returns how to stop.
export function follow(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Told whether the server is there.
export function onState(listener) {
  states.add(listener);
  if (here !== null) {
    listener(here);
  }
  return () => states.delete(listener);
}

export function start() {
  wanted = true;
  open();
}

export function stop() {
  wanted = false;
  close();
}

function tell(event) {
  listeners.forEach((listener) => listener(event));
}

function is(now) {
  if (now !== here) {
    here = now;
    states.forEach((listener) => listener(now));
  }
}

function open() {
  close();
  if (!wanted || document.hidden) {
    return;
  }
  source = new EventSource("/v1/events");
  source.onopen = () => {
    is(true);
    tell({ kind: "all" });
  };
  source.onerror = () => {
    // Some browsers give up after some failures; and none says why.
    source?.close();
    source = null;
    get("/v1/session")
      .then(() => is(true))
      .catch((e) => is(e instanceof Refusal && e.status !== 0 && e.status < 500))
      .finally(() => {
        clearTimeout(timer);
        timer = setTimeout(open, RETRY_MILLIS);
      });
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      const about = JSON.parse(event.data);
      tell({ ...about, kind });
    });
  }
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));

// Many events in a row are one reason to look again.
export function calmly(action) {
  let waiting = 0;
  const calm = () => {
    if (!waiting) {
      waiting = setTimeout(() => {
        waiting = 0;
        action();
      }, CALM_MILLIS);
    }
  };
  calm.cancel = () => clearTimeout(waiting);
  return calm;
}
