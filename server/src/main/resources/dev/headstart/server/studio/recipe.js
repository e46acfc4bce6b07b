// What may be chosen for a teaching. What is left alone is the server's to decide.
import { Component } from "./preact.js";
import { el } from "./el.js";

const { div, label, span, input, select, option, p } = el;

const KINDS = { linear: "linear – a few numbers a class", "mlp:64": "mlp:64 – with a hidden layer", prototype: "prototype – the mean of each class", tail: "tail – the base's last layers too" };
const PROMOTE = { "if-not-worse": "if it is not worse", always: "always", never: "never" };

// The recipe as the API takes it.
export function recipe(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== "" && value !== undefined && value !== false));
}

export class RecipeFields extends Component {
  set = (key, value) => this.props.onChange({ ...this.props.options, [key]: value });

  choice(key, words, choices) {
    return label(
      { class: "field" },
      words,
      select(
        { value: this.props.options[key] ?? "", onChange: (e) => this.set(key, e.target.value) },
        option({ value: "" }, "as it suits"),
        Object.entries({ ...(this.props.options[key] && { [this.props.options[key]]: this.props.options[key] }), ...choices }).map(([value, text]) => option({ key: value, value }, text)),
      ),
    );
  }

  number(key, words, attributes) {
    return label(
      { class: "field" },
      words,
      input({ type: "number", placeholder: "as it suits", value: this.props.options[key] ?? "", onInput: (e) => this.set(key, e.target.value === "" ? "" : Number(e.target.value)), ...attributes }),
    );
  }

  render({ head, options }) {
    return div(
      { class: "recipe" },
      this.choice("kind", "Kind", KINDS),
      div(
        { class: "pair" },
        this.number("epochs", "Epochs", { min: 1, step: 1 }),
        this.number("rate", "Rate", { min: 0, step: "any" }),
        this.number("batch", "Batch", { min: 1, step: 1 }),
        this.number("validation", "Share that judges", { min: 0, max: 0.9, step: "any" }),
      ),
      options.kind === "tail" &&
        label({ class: "field" }, span(null, "Unfreeze ", span({ class: "muted" }, "– blocks, or a tap")), input({ value: options.unfreeze ?? "", placeholder: "1", onInput: (e) => this.set("unfreeze", e.target.value) })),
      options.cut !== undefined && options.cut !== "" && label({ class: "field" }, span(null, "Cut ", span({ class: "muted" }, "– a tap of the base")), input({ value: options.cut, onInput: (e) => this.set("cut", e.target.value) })),
      head.modality === "image" && this.choice("augment", "Vary pictures", { auto: "if it helps", none: "never" }),
      this.choice("promote", "Goes live", PROMOTE),
      label({ class: "check" }, input({ type: "checkbox", checked: options.warmStart === true, onChange: (e) => this.set("warmStart", e.target.checked) }), "Begin with the live version's weights"),
      p({ class: "muted small" }, "What is left alone, Headstart chooses by the samples."),
    );
  }
}
