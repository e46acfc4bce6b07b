// The samples of a head of several classes that have none of them, which teach it what none of them is.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { DRAGGED } from "./drop.js";
import { Samples } from "./samples.js";

const { section, header, h3, p } = el;

export class Strays extends Component {
  state = { over: false, none: true };

  drop = (event) => {
    event.preventDefault();
    this.setState({ over: false });
    const moved = event.dataTransfer.getData(DRAGGED);
    if (moved && this.props.may) {
      this.props.onMove(JSON.parse(moved));
    }
  };

  render({ head, may, tick, onShown, ...choosing }, { over, none }) {
    const shown = (samples) => {
      this.setState({ none: samples.length === 0 });
      onShown(samples);
    };
    return section(
      {
        class: `card column strays ${over ? "over" : ""}`,
        "aria-labelledby": "strays-title",
        onDragOver: (e) => {
          e.preventDefault();
          this.setState({ over: may });
        },
        onDragLeave: (e) => e.currentTarget.contains(e.relatedTarget) || this.setState({ over: false }),
        onDrop: this.drop,
      },
      header({ class: "row top" }, h3({ id: "strays-title", class: "grow" }, "None of these")),
      none && p({ class: "muted small" }, "Samples without any class show what none of them looks like. Select some and take their classes away, or drag them here."),
      h(Samples, { ...choosing, head, label: "", title: "Samples of no class", tick, may, onShown: shown }),
    );
  }
}
