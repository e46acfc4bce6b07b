// The samples of a head that answers a number: one list, and every way to add some under a number.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { say } from "./notice.js";
import { count } from "./words.js";
import { dropped } from "./drop.js";
import { Adders } from "./adders.js";
import { Samples } from "./samples.js";
import { Uploading } from "./uploading.js";

const { section, h2, div, span, label, input, p } = el;

export class Numbers extends Component {
  state = { value: "", camera: false, over: false };

  // null for none, or for what is none.
  number() {
    const { value } = this.state;
    return value === "" || !Number.isFinite(Number(value)) ? null : Number(value);
  }

  add = (items) => {
    const number = this.number();
    if (items.length === 0) {
      return;
    }
    if (number === null) {
      this.props.onError("Say first which number these samples have.");
      return;
    }
    say(`Adding ${count(items.length, "sample")} of ${number}`);
    this.props.uploads.add(number, items);
  };

  drop = async (event) => {
    event.preventDefault();
    this.setState({ over: false });
    if (!this.props.may) {
      return;
    }
    try {
      this.add((await dropped(event.dataTransfer)).map((found) => found.file));
    } catch (e) {
      this.props.onError(`What was dropped cannot be read: ${e.message}`);
    }
  };

  render({ head, may, tick, uploads, choosing }, { value, camera, over }) {
    const number = this.number();
    return section(
      {
        class: `card column ${over ? "over" : ""}`,
        "aria-labelledby": "numbers-title",
        onDragOver: (e) => {
          e.preventDefault();
          this.setState({ over: may });
        },
        onDragLeave: (e) => e.currentTarget.contains(e.relatedTarget) || this.setState({ over: false }),
        onDrop: this.drop,
      },
      h2({ id: "numbers-title" }, "Samples ", span({ class: "count" }, head.samples?.total ?? 0)),
      may &&
        div(
          { class: "numbers-add" },
          label({ class: "inline-field" }, "Add samples of", input({ type: "number", step: "any", placeholder: "a number", value, onInput: (e) => this.setState({ value: e.target.value }) })),
          h(Adders, { head, name: number === null ? "a number" : String(number), disabled: number === null, camera: camera && number !== null, onCamera: (on) => this.setState({ camera: on }), onItems: this.add }),
        ),
      uploads.labels().map((of) => h(Uploading, { key: of, uploads, name: of, title: `Samples of ${of}` })),
      h(Samples, { head, label: undefined, title: "Samples", tick, may, ...choosing }),
      head.samples?.total === 0 && p({ class: "empty" }, may ? "Type a number, then add what it belongs to" : "Nothing here yet"),
    );
  }
}
