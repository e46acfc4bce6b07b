// What the server advises, where it can.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { percent } from "./words.js";

const { section, h2, p, ul, li } = el;

// Asked once, of the server's own description, as a browser reports every 404 as a fault of the page.
let there = null;
const advised = () => (there ??= get("/openapi.json").then((document) => "/v1/heads/{head}/advice" in document.paths, () => false));

export class Advice extends Component {
  state = { advice: null };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.change !== this.props.change) {
      this.load();
    }
  }

  async load() {
    try {
      if (!(await advised())) {
        return;
      }
      this.setState({ advice: await get(url`/v1/heads/${this.props.head.head}/advice`) });
    } catch {
      // It has nothing to say yet: advice is never needed.
      this.setState({ advice: null });
    }
  }

  render(_, { advice }) {
    const reasons = advice?.reasons ?? [];
    const expected = advice?.expected;
    if (!advice || (reasons.length === 0 && !expected)) {
      return null;
    }
    return section(
      { class: "card", "aria-labelledby": "advice-title" },
      h2({ id: "advice-title" }, "Advice"),
      expected && p(null, `Expect ${percent(expected.accuracy)} right`, expected.low !== undefined && `, between ${percent(expected.low)} and ${percent(expected.high)}`, "."),
      ul({ class: "plain-list" }, reasons.map((reason) => li({ key: reason }, typeof reason === "string" ? reason : JSON.stringify(reason)))),
    );
  }
}
