// What the head keeps, when it learns by itself, and its end.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { patch, remove, url } from "./api.js";
import { problem, say } from "./notice.js";
import { ask } from "./dialog.js";
import { count } from "./words.js";

const { section, form, h2, fieldset, legend, label, input, span, div, button, select, option, p } = el;

const PROMOTE = { "if-not-worse": "if it is not worse on the samples that judge", always: "always", never: "never: a person promotes" };

export class HeadSettings extends Component {
  state = { keep: this.props.head.keep, rules: { ...this.props.head.rules }, error: null, busy: false, saved: false };

  rule(key, value) {
    this.setState(({ rules }) => ({ rules: { ...rules, [key]: value }, saved: false }));
  }

  save = async (event) => {
    event.preventDefault();
    const { keep, rules } = this.state;
    const { head } = this.props;
    if (keep === "features" && head.keep !== "features" && !(await ask("Throw the originals away?", `The ${count(head.samples.total, "sample")} of this head will have no picture or text any more, only features. This cannot be undone.`, "Throw away"))) {
      return;
    }
    this.setState({ busy: true, error: null, saved: false });
    try {
      await patch(url`/v1/heads/${head.head}`, { keep, rules: { after: rules.after || null, quiet: rules.quiet || null, promote: rules.promote ?? "if-not-worse", keepVersions: rules.keepVersions || null } });
      this.setState({ saved: true });
      say("Saved");
      this.props.onChanged();
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.setState({ busy: false });
  };

  remove = async () => {
    const { head } = this.props;
    if (!(await ask(`Delete ${head.head}?`, `Its ${count(head.samples.total, "sample")}, its runs and all its versions will be gone from this device. It answers no more, at once.`, "Delete"))) {
      return;
    }
    try {
      await remove(url`/v1/heads/${head.head}`);
      location.hash = "#/heads";
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render({ head, may }, { keep, rules, error, busy, saved }) {
    const number = (key, words) =>
      label({ class: "field" }, words, input({ type: "number", min: 1, step: 1, disabled: !may, placeholder: "never", value: rules[key] ?? "", onInput: (e) => this.rule(key, e.target.value === "" ? null : Number(e.target.value)) }));
    const radio = (value, title, text) =>
      label({ class: "choice" }, input({ type: "radio", name: "keep", disabled: !may, checked: keep === value, onChange: () => this.setState({ keep: value, saved: false }) }), span(null, span({ class: "choice-title" }, title), span({ class: "muted small" }, text)));
    return div(
      { class: "stack" },
      !may && p({ class: "notice" }, "This key may look at settings, but not change them."),
      form(
        { class: "card narrow", onSubmit: this.save },
        h2(null, "Settings"),
        fieldset(
          null,
          legend(null, "What stays on the device?"),
          div({ class: "choices" }, radio("samples", "The originals", "to look at them again"), radio("features", "Features only", "originals are thrown away as soon as they were looked at")),
        ),
        fieldset(
          null,
          legend(null, "When does it learn by itself?"),
          number("after", "After this many new or changed samples"),
          label({ class: "field" }, "Or at this time of day, if anything changed", input({ type: "time", disabled: !may, value: rules.quiet ?? "", onInput: (e) => this.rule("quiet", e.target.value || null) })),
        ),
        label({ class: "field" }, "A new version goes live", select({ disabled: !may, value: rules.promote ?? "if-not-worse", onChange: (e) => this.rule("promote", e.target.value) }, Object.entries(PROMOTE).map(([value, words]) => option({ key: value, value }, words)))),
        label({ class: "field" }, "Versions to keep, beside the live one", input({ type: "number", min: 1, step: 1, disabled: !may, placeholder: "all", value: rules.keepVersions ?? "", onInput: (e) => this.rule("keepVersions", e.target.value === "" ? null : Number(e.target.value)) })),
        problem(error),
        div({ class: "row end" }, saved && span({ class: "muted", role: "status" }, "Saved"), button({ class: "button primary", disabled: busy || !may }, busy ? "Saving…" : "Save")),
      ),
      section(
        { class: "card narrow" },
        h2(null, "Delete this head"),
        p({ class: "muted" }, "With its samples, runs and versions. Export a bundle first if it may be wanted again."),
        button({ type: "button", class: "button danger", disabled: !may, onClick: this.remove }, "Delete head"),
      ),
    );
  }
}
