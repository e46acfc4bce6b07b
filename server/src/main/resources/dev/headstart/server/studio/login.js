// A key in, a cookie out, which this page's pictures and event streams send by themselves; scripts cannot read it.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { post } from "./api.js";
import { problem } from "./notice.js";

const { form, h1, p, label, input, button, code } = el;

export class Login extends Component {
  state = { key: "", busy: false, error: null };

  componentDidMount() {
    document.title = "Log in · Headstart Studio";
  }

  send = async (event) => {
    event.preventDefault();
    this.setState({ busy: true, error: null });
    try {
      await post("/v1/session", { key: this.state.key.trim() });
      this.props.onDone();
    } catch (e) {
      this.setState({ error: e.message, busy: false });
    }
  };

  render(_, { key, busy, error }) {
    return form(
      { class: "card login", onSubmit: this.send },
      h1(null, "Log in"),
      p({ class: "muted" }, "This server asks for a key. Whoever runs it makes one with ", code(null, "./headstart keys add"), "."),
      label({ class: "field" }, "Key", input({
        type: "password",
        name: "key",
        autocomplete: "current-password",
        required: true,
        autofocus: true,
        value: key,
        onInput: (e) => this.setState({ key: e.target.value }),
      })),
      problem(error),
      button({ class: "button primary", disabled: busy || key.trim() === "" }, busy ? "Looking…" : "Log in"),
    );
  }
}
