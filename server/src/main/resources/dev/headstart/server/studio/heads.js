// All heads, and a way to a new one.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { get } from "./api.js";
import { calmly, follow } from "./follow.js";
import { problem } from "./notice.js";
import { icon } from "./icons.js";
import { count, MODALITIES } from "./words.js";
import { NewHead } from "./new-head.js";

const { div, h1, h2, p, button, ul, li, a, span, ol } = el;

const SHOWN_CLASSES = 6;

// Both ways in which the API gives a class.
export const className = (item) => (typeof item === "string" ? item : item.name);

function state(head) {
  if (head.run) {
    return span({ class: "badge accent" }, "Learning now");
  }
  if (!head.version) {
    return span({ class: "badge" }, "Not taught yet");
  }
  return span({ class: "badge good" }, `Version ${head.version} is live`);
}

function card(head) {
  const classes = head.classes ?? [];
  const modality = MODALITIES[head.modality] ?? ((head.takes ?? []).includes("text") ? "texts" : "pictures");
  const samples = head.samples?.total;
  const news = head.version && head.samples?.since ? ` · ${count(head.samples.since, "change")} since it learned` : "";
  return li(
    { key: head.head },
    a(
      { class: "card head-card", href: `#/heads/${encodeURIComponent(head.head)}` },
      div({ class: "row top" }, span({ class: "head-icon" }, icon(modality === "texts" ? "text" : modality === "pictures" ? "picture" : "numbers")), h2({ class: "grow wrap" }, head.head), state(head)),
      classes.length
        ? div(
            { class: "chips" },
            classes.slice(0, SHOWN_CLASSES).map((c) => span({ class: "chip" }, className(c))),
            classes.length > SHOWN_CLASSES && span({ class: "chip plain" }, `and ${classes.length - SHOWN_CLASSES} more`),
          )
        : p({ class: "muted" }, head.task === "regression" ? "A number for every sample" : "No classes yet"),
      p({ class: "muted small" }, modality, samples !== undefined && ` · ${count(samples, "sample")}`, head.base && ` · ${head.base}`, news),
    ),
  );
}

export class Heads extends Component {
  state = { heads: null, error: null, making: false };

  componentDidMount() {
    document.title = "Heads · Headstart Studio";
    this.again = calmly(this.load);
    this.unfollow = follow(this.again);
    this.load();
  }

  componentWillUnmount() {
    this.unfollow();
    this.again.cancel();
  }

  load = async () => {
    try {
      this.setState({ heads: (await get("/v1/heads")).heads, error: null });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render({ may }, { heads, error, making }) {
    const make = button(
      { type: "button", class: "button primary", disabled: !may, title: may ? undefined : "This key may not teach", onClick: () => this.setState({ making: true }) },
      icon("plus"),
      "New head",
    );
    return div(
      null,
      div({ class: "row title" }, h1({ class: "grow" }, "Heads"), heads?.length ? make : null),
      problem(error),
      heads === null && !error && p({ class: "muted" }, "Looking…"),
      heads?.length === 0 &&
        div(
          { class: "card welcome" },
          h2(null, "Teach this device something"),
          p({ class: "muted" }, "A head is what the device learns on top of a base model that already knows pictures or texts."),
          ol(
            { class: "steps" },
            li(null, "Make a head and name its classes: good and bent, say."),
            li(null, "Show it some samples of each, twenty are a good start."),
            li(null, "Press Teach, wait for a few seconds, and try it."),
          ),
          make,
        ),
      heads?.length > 0 && ul({ class: "heads" }, heads.map(card)),
      making && h(NewHead, { onClose: () => this.setState({ making: false }) }),
    );
  }
}
