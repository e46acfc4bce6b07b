// What the head has learned, version by version: which is live, which is better, and how to take them along.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { get, post, remove, upload, url } from "./api.js";
import { problem, say } from "./notice.js";
import { ask } from "./dialog.js";
import { icon } from "./icons.js";
import { Compare } from "./compare.js";
import { calibrated, crossValidated, goodness, time } from "./words.js";

const { section, div, h2, p, table, caption, thead, tbody, tr, th, td, button, a, span, label, input, details, summary, dl, dt, dd, progress } = el;

// What an object says, one line a value.
function facts(object, before = "") {
  return Object.entries(object).flatMap(([key, value]) => {
    const name = before + key;
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) {
      return [];
    }
    if (typeof value === "object" && !Array.isArray(value)) {
      return facts(value, `${name} `);
    }
    return [dt({ key: name }, name), dd({ key: `${name}=`, class: "wrap" }, Array.isArray(value) ? value.map((v) => (typeof v === "object" ? JSON.stringify(v) : v)).join(", ") : String(value))];
  });
}

export class Versions extends Component {
  state = { versions: null, error: null, busy: false, pair: [], importing: null };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.change !== this.props.change || before.head.version !== this.props.head.version) {
      this.load();
    }
  }

  load = async () => {
    try {
      const { versions } = await get(url`/v1/heads/${this.props.head.head}/versions`);
      this.setState(({ pair }) => ({ versions, pair: pair.filter((n) => versions.some((v) => v.version === n)) }));
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  act = async (action, words) => {
    this.setState({ busy: true, error: null });
    try {
      await action();
      say(words);
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.setState({ busy: false });
    this.load();
    this.props.onChanged();
  };

  path(n, verb = "") {
    return url`/v1/heads/${this.props.head.head}/versions/${n}` + verb;
  }

  remove = async (n) => {
    if (await ask(`Delete version ${n}?`, "It cannot be brought back. Samples stay.", "Delete")) {
      this.act(() => remove(this.path(n)), `Version ${n} deleted`);
    }
  };

  bundle = async (event) => {
    const file = event.target.files[0];
    event.target.value = "";
    if (!file) {
      return;
    }
    await this.act(
      () => upload(url`/v1/heads/${this.props.head.head}/bundle`, file, "application/zip", (share) => this.setState({ importing: share })),
      "The bundle was taken over",
    );
    this.setState({ importing: null });
  };

  pick = (n) => this.setState(({ pair }) => ({ pair: pair.includes(n) ? pair.filter((m) => m !== n) : [...pair, n].slice(-2) }));

  render({ head, may, change }, { versions, error, busy, pair, importing }) {
    const disabled = busy || !may;
    const words = may ? undefined : "This key may not teach";
    const bundle = url`/v1/heads/${head.head}/bundle`;
    return section(
      { class: "card", "aria-labelledby": "versions-title" },
      div(
        { class: "row wrap-row title" },
        h2({ id: "versions-title", class: "grow" }, "Versions"),
        versions?.length > 1 && button({ type: "button", class: "button", disabled, title: words ?? "Back to what was live before", onClick: () => this.act(() => post(url`/v1/heads/${head.head}/rollback`), "Rolled back") }, "Roll back"),
        versions?.length > 0 && a({ class: "button", href: bundle, download: `${head.head}.zip` }, "Export bundle"),
        label({ class: "button", "aria-disabled": String(disabled) }, "Import bundle", input({ type: "file", class: "unseen", accept: ".zip", disabled, onChange: this.bundle })),
      ),
      importing !== null && progress({ max: 1, value: importing, "aria-label": "Importing" }),
      problem(error, () => this.setState({ error: null })),
      versions === null && !error && p({ class: "muted" }, "Looking…"),
      versions?.length === 0 && p({ class: "muted" }, "None yet. Teaching makes one, or a bundle from another device brings some."),
      versions?.length > 0 &&
        table(
          { class: "versions" },
          caption({ class: "unseen" }, "Versions, newest first"),
          thead(null, tr(null, ["Version", "Made", "Kind", "Right", "Samples", "Compare", ""].map((name) => th({ key: name, scope: "col" }, name || span({ class: "unseen" }, "What to do"))))),
          tbody(null, versions.map((v) => this.row(v, disabled, words, pair, versions.length > 1))),
        ),
      versions?.length > 1 && pair.length < 2 && p({ class: "muted small" }, "Tick two versions to compare them on the same samples."),
      pair.length === 2 && h(Compare, { key: pair.join("-"), head, a: Math.min(...pair), b: Math.max(...pair), change, may, onChanged: this.props.onChanged }),
    );
  }

  row(v, disabled, words, pair, several) {
    const n = v.version;
    return tr(
      { key: n, class: v.live ? "live" : "" },
      th(
        { scope: "row" },
        span({ class: "version-number" }, n),
        v.live && span({ class: "badge good" }, "live"),
        v.forgotten > 0 && span({ class: "badge warn", title: "Samples that it learned from were deleted since. The next teaching is without them." }, `${v.forgotten} forgotten`),
      ),
      td({ "data-name": "Made" }, time(v.created)),
      td({ "data-name": "Kind" }, div(null, v.kind, details({ class: "provenance" }, summary(null, "Provenance"), dl({ class: "facts" }, facts({ ...v, version: null, live: null, created: null, kind: null }))))),
      td({ "data-name": "Right" }, div(null, goodness(v.metrics), [crossValidated(v), calibrated(v)].map((words) => words && p({ key: words, class: "muted small" }, words)))),
      td({ "data-name": "Samples" }, v.samples ? `${v.samples.train} taught, ${v.samples.validation} judged` : "–"),
      td({ "data-name": "Compare" }, several && input({ type: "checkbox", checked: pair.includes(n), "aria-label": `Compare version ${n}`, onChange: () => this.pick(n) })),
      td(
        null,
        div({ class: "actions" },
        !v.live && button({ type: "button", class: "button small primary", disabled, title: words, "aria-label": `Make version ${n} live`, onClick: () => this.act(() => post(this.path(n, "/promote")), `Version ${n} is live`) }, "Make live"),
        a({ class: "button small", href: this.path(n, "/model"), download: `${this.props.head.head}-${n}.onnx`, "aria-label": `Export version ${n} as an ONNX model` }, "Model"),
        !v.live && button({ type: "button", class: "icon-button", disabled, title: words, "aria-label": `Delete version ${n}`, onClick: () => this.remove(n) }, icon("close"))),
      ),
    );
  }
}
