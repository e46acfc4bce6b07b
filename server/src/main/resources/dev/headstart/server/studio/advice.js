// What the server advises: which head, what to expect of it, and what is sick in the samples. It takes a look at all
// of them, so it is asked for.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { problem, say } from "./notice.js";
import { icon } from "./icons.js";
import { Checkup } from "./checkup.js";
import { decimal, duration, percent } from "./words.js";

const { section, h2, div, p, ul, ol, li, button, span, strong, details, summary } = el;

const AGAIN_MILLIS = 1500;

// What a recipe has to say to follow the advice.
export function advised(advice) {
  const tail = advice.unfreeze && advice.unfreeze !== "head";
  return {
    kind: tail ? "tail" : advice.kind,
    ...(tail ? { unfreeze: advice.unfreeze } : advice.cut && { cut: advice.cut }),
    ...(typeof advice.rate === "number" && { rate: advice.rate }),
    ...(advice.augment && advice.augment !== "none" && { augment: advice.augment }),
  };
}

function expectation({ expected, task }) {
  if (!expected) {
    return p({ class: "muted" }, "There are too few samples to say how well it will do.");
  }
  const regression = task === "regression";
  const show = regression ? (n) => decimal(n, 2) : percent;
  return p(
    { class: "expected" },
    regression ? "Expect an r² of " : "Expect ",
    strong(null, show(regression ? expected.r2 : expected.accuracy)),
    regression ? "" : " right",
    span({ class: "muted" }, ` – ${show(expected.low)} to ${show(expected.high)} on new samples like these`),
  );
}

function taps({ taps, cut }) {
  const score = (tap) => tap.accuracy ?? tap.r2 ?? 0;
  return ol(
    { class: "bars" },
    taps.map((tap) => {
      const chosen = tap.advised ?? tap.cut === cut;
      return li(
        { key: tap.cut, class: chosen ? "chosen" : "", title: typeof tap.score === "number" ? `LogME ${decimal(tap.score)}` : undefined },
        span({ class: "bar-name ellipsis" }, tap.cut, chosen && span({ class: "unseen" }, " (advised)")),
        span({ class: "bar", "aria-hidden": "true" }, span({ class: "bar-fill", style: { transform: `scaleX(${Math.max(0, Math.min(1, score(tap)))})` } })),
        span({ class: "bar-number" }, tap.accuracy === undefined || tap.accuracy === null ? decimal(tap.r2, 2) : percent(tap.accuracy)),
      );
    }),
  );
}

export class Advice extends Component {
  state = { advice: null, waiting: null, error: null, stale: false, busy: false };
  title = createRef();

  componentDidUpdate(before) {
    // What samples say by now, the server is asked about once more, but only by who asked before.
    if (before.tick !== this.props.tick && this.state.advice && !this.state.busy && !this.state.stale && this.of(this.props.head) !== this.state.of) {
      this.setState({ stale: true });
    }
  }

  componentWillUnmount() {
    this.gone = true;
    clearTimeout(this.timer);
  }

  // What the advice is of, so far as the page knows.
  of(head) {
    return JSON.stringify([head.samples, head.classes.map((c) => [c.name, c.samples])]);
  }

  ask = async () => {
    clearTimeout(this.timer);
    this.setState({ busy: true, error: null });
    try {
      const of = this.of(this.props.head);
      const advice = await get(url`/v1/heads/${this.props.head.head}/advice`);
      if (this.gone) {
        return;
      }
      if (advice.state) {
        this.setState({ waiting: advice.message });
        this.timer = setTimeout(this.ask, AGAIN_MILLIS);
        return;
      }
      this.setState({ advice, of, waiting: null, stale: false, busy: false });
      say("The advice is here");
    } catch (e) {
      this.setState({ error: e.message, waiting: null, busy: false });
    }
  };

  // Something was put right here: what is shown of it goes, and the rest may be otherwise by now.
  changed = () => {
    this.setState({ stale: true });
    this.props.onChanged();
  };

  render({ head, may, onAdvised }, { advice, waiting, error, stale, busy }) {
    return section(
      { class: "card advice", "aria-labelledby": "advice-title", "aria-busy": String(busy) },
      h2({ id: "advice-title", ref: this.title, tabindex: -1 }, "Advice"),
      !advice && !busy && p({ class: "muted small" }, "Looks at all samples: which head suits them, how well it will do, and which samples look wrong."),
      advice && this.recommended(advice, may, onAdvised),
      advice?.report && h(Checkup, { key: head.head, head, report: advice.report, may, onChanged: this.changed, title: this.title }),
      problem(error, () => this.setState({ error: null })),
      waiting && p({ class: "muted small", role: "status" }, waiting),
      stale && !busy && p({ class: "muted small", role: "status" }, "The samples have changed since."),
      button({ type: "button", class: "button wide", disabled: busy || head.samples?.total === 0, onClick: this.ask }, icon("spark"), busy ? "Looking…" : advice ? "Ask again" : "Ask for advice"),
    );
  }

  recommended(advice, may, onAdvised) {
    const tail = advice.unfreeze && advice.unfreeze !== "head";
    return div(
      { class: "recommended" },
      p(
        null,
        "A ",
        strong(null, tail ? `tail with ${/^\d+$/.test(advice.unfreeze) ? `${advice.unfreeze} of the base’s blocks` : `the base from ${advice.unfreeze}`} unfrozen` : `${advice.kind} head`),
        advice.cut && !tail && [" at ", strong(null, advice.cut)],
        advice.augment && advice.augment !== "none" && `, varied by ${advice.augment}`,
        typeof advice.seconds === "number" && span({ class: "muted" }, `, ${advice.seconds < 1 ? "taught in a moment" : `about ${duration(advice.seconds)} to teach`}`),
      ),
      expectation(advice),
      may && button({ type: "button", class: "button primary wide", onClick: () => onAdvised(advised(advice)) }, "Teach as advised"),
      advice.reasons?.length > 0 && ul({ class: "reasons small" }, advice.reasons.map((reason) => li({ key: reason }, reason))),
      advice.taps?.length > 1 && details({ class: "more" }, summary(null, "How well each tap tells them apart"), taps(advice)),
    );
  }
}
