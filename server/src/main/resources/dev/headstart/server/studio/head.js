// The page of a head: what it is, its tabs, and what they share.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { calmly, follow } from "./follow.js";
import { problem } from "./notice.js";
import { MODALITIES, count, percent } from "./words.js";
import { Classes } from "./classes.js";
import { Teach } from "./teach.js";
import { Try } from "./try.js";
import { Advice } from "./advice.js";
import { Results } from "./results.js";
import { Versions } from "./versions.js";
import { HeadSettings } from "./settings.js";

const { div, h1, nav, a, p, span, button } = el;

const TABS = { teach: "Teach", results: "Results", versions: "Versions", settings: "Settings" };
const PENDING_MILLIS = 1500;

// Where classes and teaching lie below one another, the way down is long.
const jump = (part, words) =>
  button(
    {
      type: "button",
      class: "button small",
      onClick: () => {
        const there = document.querySelector(`.${part}`);
        there.scrollIntoView();
        there.focus({ preventScroll: true });
      },
    },
    words,
    " ↓",
  );

// Whether what the head is asked about lately is unlike what it learned from.
function drifting(drift) {
  if (drift?.state !== "alert") {
    return null;
  }
  const { shareAbove: share, expected, samples } = drift;
  return div(
    { class: "notice warnings drift", role: "status" },
    "What it is asked about lately is unlike what it learned from",
    typeof share === "number" ? `: ${percent(share)} of the last ${samples} were unknown to it, where ${percent(expected)} is usual` : "",
    ". Add samples of what is new, and teach it again.",
  );
}

export class Head extends Component {
  teach = createRef();

  // tick: raised whenever samples may have changed; change: whenever versions or runs may have.
  state = { head: null, error: null, gone: false, tick: 0, change: 0 };

  componentDidMount() {
    document.title = `${this.props.name} · Headstart Studio`;
    this.again = calmly(() => this.load());
    this.unfollow = follow((event) => {
      if (event.kind !== "all" && event.head !== this.props.name) {
        return;
      }
      if (event.kind !== "samples") {
        this.setState(({ change }) => ({ change: change + 1 }));
      }
      this.again();
    });
    this.load();
  }

  componentWillUnmount() {
    this.unfollow();
    this.again.cancel();
    clearTimeout(this.timer);
  }

  load = async () => {
    clearTimeout(this.timer);
    try {
      const head = await get(url`/v1/heads/${this.props.name}`);
      head.classes = (head.classes ?? []).map((c) => (typeof c === "string" ? { name: c, samples: 0, known: true } : c));
      this.setState(({ tick }) => ({ head, error: null, gone: false, tick: tick + 1 }));
      if (head.samples?.pending > 0) {
        // Nothing says when the last of them has been looked at.
        this.timer = setTimeout(this.load, PENDING_MILLIS);
      }
    } catch (e) {
      this.setState({ error: e.message, gone: e.status === 404 });
    }
  };

  render({ name, tab, may }, { head, error, gone, tick, change }) {
    if (gone) {
      return div({ class: "card welcome" }, h1(null, "There is no such head"), p(null, error), a({ class: "button", href: "#/heads" }, "All heads"));
    }
    if (!head) {
      return div(null, problem(error), !error && p({ class: "muted" }, "Looking…"));
    }
    const shared = { head, may, tick, change, onChanged: this.load };
    return div(
      null,
      div(
        { class: "head-title" },
        p({ class: "crumb" }, a({ href: "#/heads" }, "Heads"), span({ "aria-hidden": "true" }, " / ")),
        h1({ class: "wrap" }, name),
        p(
          { class: "muted small" },
          MODALITIES[head.modality] ?? head.modality,
          head.base ? ` · ${head.base}` : "",
          head.samples && ` · ${count(head.samples.total, "sample")}`,
          head.keep === "features" && " · keeps features only",
          head.version ? ` · version ${head.version} is live` : " · not taught yet",
        ),
        nav(
          { class: "tabs", "aria-label": name },
          Object.entries(TABS).map(([key, words]) => a({ key, href: url`#/heads/${name}/${key}`, "aria-current": tab === key ? "page" : undefined }, words)),
        ),
      ),
      problem(error),
      drifting(head.drift),
      tab === "results" && h(Results, shared),
      tab === "versions" && h(Versions, shared),
      tab === "settings" && h(HeadSettings, shared),
      !["results", "versions", "settings"].includes(tab) &&
        div({ class: "jump" }, jump("teach", "Teach"), jump("try", "Try it")),
      !["results", "versions", "settings"].includes(tab) &&
        div(
          { class: "studio" },
          h(Classes, shared),
          div({ class: "side" }, h(Teach, { ...shared, ref: this.teach }), h(Advice, { ...shared, onAdvised: (options) => this.teach.current.advised(options) }), h(Try, shared)),
        ),
    );
  }
}
