// What samples are said to be, to be put right: a class, any number of classes, or a number.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { label as words } from "./words.js";

const { form, fieldset, legend, div, span, label, input, select, option, button } = el;

// A sample's classes with one more; for heads of several classes.
export const also = (name) => (old) => [...new Set([...(old ?? []), name])];

// labels: what they are said to be now. onLabel is given how to make the right label of a sample's own.
export class Labelling extends Component {
  // marks: classes that were ticked or unticked here; the others stay as they are in each sample.
  state = { name: "", number: "", marks: new Map() };

  change() {
    const { name, number, marks } = this.state;
    switch (this.props.head.task) {
      case "regression":
        return number === "" || !Number.isFinite(Number(number)) ? null : () => Number(number);
      case "multi":
        return marks.size === 0 ? null : (old) => this.props.head.classes.map((c) => c.name).filter((c) => marks.get(c) ?? (old ?? []).includes(c));
      default:
        return name === "" ? null : () => name;
    }
  }

  send = (event) => {
    event.preventDefault();
    this.props.onLabel(this.change());
  };

  render({ head, labels, title, action, disabled }) {
    return form(
      { class: `labelling ${head.task === "multi" ? "" : "row"}`, onSubmit: this.send },
      head.task === "multi" ? this.classes(head, labels, title, disabled) : label({ class: "inline-field grow" }, span({ class: "small" }, title), head.task === "regression" ? this.number(labels, disabled) : this.choice(head, disabled)),
      div({ class: "labelling-end" }, button({ class: "button small", disabled: disabled || !this.change() }, action)),
    );
  }

  choice(head, disabled) {
    return select(
      { name: "label", disabled, value: this.state.name, onChange: (e) => this.setState({ name: e.target.value }) },
      option({ value: "" }, "choose…"),
      head.classes.map((c) => option({ key: c.name, value: c.name }, c.name)),
    );
  }

  number(labels, disabled) {
    return input({ name: "label", type: "number", step: "any", disabled, placeholder: labels.length === 1 ? words(labels[0]) : "", value: this.state.number, onInput: (e) => this.setState({ number: e.target.value }) });
  }

  classes(head, labels, title, disabled) {
    const { marks } = this.state;
    return fieldset(
      { disabled },
      legend(null, title),
      div(
        { class: "ticks" },
        head.classes.map(({ name }) => {
          const some = labels.filter((l) => (l ?? []).includes(name)).length;
          const mixed = !marks.has(name) && some > 0 && some < labels.length;
          return label(
            { key: name, class: "check" },
            input({
              type: "checkbox",
              checked: marks.get(name) ?? some === labels.length,
              ref: (box) => box && (box.indeterminate = mixed),
              onChange: (e) => this.setState({ marks: new Map(marks).set(name, e.target.checked) }),
            }),
            span({ class: "wrap" }, name),
          );
        }),
      ),
    );
  }
}
