// The dialogue that makes a head. All but the name has a default that suits most.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { get, post } from "./api.js";
import { problem } from "./notice.js";
import { icon } from "./icons.js";
import { Dialog } from "./dialog.js";

const { form, label, input, fieldset, legend, div, span, button, select, option, details, summary, p } = el;

function choice(name, value, chosen, choose, picture, title, text) {
  return label(
    { class: "choice" },
    input({ type: "radio", name, value, checked: chosen === value, onChange: () => choose(value) }),
    picture && icon(picture),
    span(null, span({ class: "choice-title" }, title), span({ class: "muted small" }, text)),
  );
}

export class NewHead extends Component {
  state = { name: "", modality: "image", base: "", keep: "samples", task: "single", classes: "", bases: [], busy: false, error: null };

  componentDidMount() {
    // What base models there are; without them the server's own choice stands.
    get("/v1/system")
      .then((system) => this.setState({ bases: (Array.isArray(system.models) ? system.models : []).filter((model) => model.modality) }))
      .catch(() => this.setState({ bases: [] }));
  }

  send = async (event) => {
    event.preventDefault();
    const { name, modality, base, keep, task, classes } = this.state;
    this.setState({ busy: true, error: null });
    const named = classes.split(/[,\n]/).map((c) => c.trim()).filter((c) => c);
    try {
      await post("/v1/heads", {
        head: name.trim(),
        modality,
        task,
        keep,
        ...(base && { base }),
        ...(named.length && task !== "regression" && { classes: [...new Set(named)] }),
      });
      location.hash = `#/heads/${encodeURIComponent(name.trim())}`;
    } catch (e) {
      this.setState({ busy: false, error: e.message });
    }
  };

  render({ onClose }, { name, modality, base, keep, task, classes, bases, busy, error }) {
    const set = (key) => (value) => this.setState({ [key]: value });
    const typed = (key) => (event) => this.setState({ [key]: event.target.value });
    const fitting = bases.filter((b) => b.modality === modality);
    return h(
      Dialog,
      { title: "New head", onClose },
      form(
        { onSubmit: this.send },
        label({ class: "field" }, "Name", input({ name: "head", required: true, maxlength: 64, autofocus: true, autocomplete: "off", placeholder: "parts", value: name, onInput: typed("name") })),
        fieldset(
          null,
          legend(null, "What does it look at?"),
          div(
            { class: "choices" },
            choice("modality", "image", modality, set("modality"), "picture", "Pictures", "from files or a camera"),
            choice("modality", "text", modality, set("modality"), "text", "Texts", "mails, notes, messages"),
          ),
        ),
        task !== "regression" &&
          label({ class: "field" }, span(null, "Classes ", span({ class: "muted" }, "– with commas between them; more can come later")), input({ name: "classes", autocomplete: "off", placeholder: "good, bent", value: classes, onInput: typed("classes") })),
        details(
          { class: "more" },
          summary(null, "More"),
          label(
            { class: "field" },
            "What it answers",
            select({ name: "task", value: task, onChange: typed("task") }, option({ value: "single" }, "one class"), option({ value: "multi" }, "any number of classes"), option({ value: "regression" }, "a number")),
          ),
          label(
            { class: "field" },
            "Base model",
            select(
              { name: "base", value: base, onChange: typed("base") },
              option({ value: "" }, `the one for ${modality === "image" ? "pictures" : "texts"}`),
              fitting.map((b) => option({ key: b.id, value: b.id }, b.id)),
            ),
          ),
          fieldset(
            null,
            legend(null, "What stays on the device?"),
            div(
              { class: "choices" },
              choice("keep", "samples", keep, set("keep"), null, "The originals", "to look at them again"),
              choice("keep", "features", keep, set("keep"), null, "Features only", "originals are thrown away as soon as they were looked at"),
            ),
          ),
          keep === "features" && p({ class: "muted small" }, "Without originals there are no thumbnails, and another base model or cut cannot be tried later."),
        ),
        problem(error),
        div({ class: "row end" }, button({ type: "button", class: "button", onClick: (e) => e.currentTarget.closest("dialog").close() }, "Cancel"), button({ class: "button primary", disabled: busy || !name.trim() }, busy ? "Making…" : "Make it")),
      ),
    );
  }
}
