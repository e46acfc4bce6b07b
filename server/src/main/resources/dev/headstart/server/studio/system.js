// The state of the device that the server runs on, as GET /v1/system tells it.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { get } from "./api.js";
import { problem } from "./notice.js";
import { bytes, count } from "./words.js";

const { div, h1, h2, section, dl, dt, dd, p, table, thead, tbody, tr, th, td } = el;

const EVERY_MILLIS = 5000;
const BYTES = /bytes$|^(total|free|used|usable|max|heap|size)$/i;

// camelCase as words.
const title = (key) => {
  const words = key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
};

function value(key, v) {
  if (v === null || v === undefined || v === "") {
    return "–";
  }
  if (typeof v === "number") {
    return BYTES.test(key) && v > 100_000 ? bytes(v) : v.toLocaleString("en");
  }
  if (typeof v === "boolean") {
    return v ? "yes" : "no";
  }
  if (Array.isArray(v)) {
    return v.length ? v.map((item) => (typeof item === "object" ? JSON.stringify(item) : item)).join(", ") : "none";
  }
  return typeof v === "object" ? facts(v) : String(v);
}

const facts = (object) => dl({ class: "facts" }, Object.entries(object).flatMap(([key, v]) => [dt({ key }, title(key)), dd({ key: `${key}=`, class: "wrap" }, value(key, v))]));

function rows(items) {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return div(
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Table" },
    table({ class: "plain" }, thead(null, tr(null, columns.map((c) => th({ key: c, scope: "col" }, title(c))))), tbody(null, items.map((item, i) => tr({ key: i }, columns.map((c) => td({ key: c }, value(c, item[c]))))))),
  );
}

function part(key, v) {
  const list = Array.isArray(v);
  const objects = list && v.length > 0 && v.every((item) => item && typeof item === "object");
  return section(
    { key, class: `card ${objects ? "whole" : ""}` },
    h2(null, title(key)),
    objects ? rows(v) : list ? p(null, v.length ? v.join(", ") : "none") : facts(v),
    list && v.length > 0 && p({ class: "muted small" }, count(v.length, "entry", "entries")),
  );
}

export class System extends Component {
  state = { system: null, error: null };

  componentDidMount() {
    document.title = "System · Headstart Studio";
    this.load();
    this.timer = setInterval(() => document.hidden || this.load(), EVERY_MILLIS);
  }

  componentWillUnmount() {
    clearInterval(this.timer);
  }

  load = async () => {
    try {
      this.setState({ system: await get("/v1/system"), error: null });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render(_, { system, error }) {
    const entries = Object.entries(system ?? {});
    const plain = entries.filter(([, v]) => v === null || typeof v !== "object");
    return div(
      null,
      div({ class: "row title" }, h1({ class: "grow" }, "System")),
      problem(error),
      !system && !error && p({ class: "muted" }, "Looking…"),
      system && div({ class: "system" }, plain.length > 0 && section({ class: "card" }, h2(null, "Headstart"), facts(Object.fromEntries(plain))), entries.filter(([, v]) => v !== null && typeof v === "object").map(([key, v]) => part(key, v))),
    );
  }
}
