// The camera with a shutter: a tap takes one picture, holding takes several a second. Space and Enter as well.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { say } from "./notice.js";
import { Camera } from "./camera.js";
import { count } from "./words.js";

const { div, button, span } = el;

const EVERY_MILLIS = 200;

export class Burst extends Component {
  camera = createRef();
  state = { holding: false, taken: 0 };

  componentWillUnmount() {
    clearInterval(this.timer);
  }

  shoot = async () => {
    const picture = await this.camera.current?.picture();
    if (picture) {
      this.setState(({ taken }) => ({ taken: taken + 1 }));
      this.props.onPicture(picture);
    }
  };

  press = () => {
    if (!this.timer) {
      this.setState({ holding: true });
      this.shoot();
      this.timer = setInterval(this.shoot, EVERY_MILLIS);
    }
  };

  release = () => {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
      this.setState({ holding: false });
      say(`${count(this.state.taken, "picture")} taken`);
    }
  };

  isKey = (event) => event.key === " " || event.key === "Enter";

  render({ onClose }, { holding, taken }) {
    return div(
      { class: "burst" },
      h(Camera, { ref: this.camera, onClose }),
      div(
        { class: "row" },
        button(
          {
            type: "button",
            class: `button primary grow shutter ${holding ? "holding" : ""}`,
            onPointerDown: (e) => {
              e.currentTarget.setPointerCapture(e.pointerId);
              this.press();
            },
            onPointerUp: this.release,
            onPointerCancel: this.release,
            onContextMenu: (e) => e.preventDefault(),
            onKeyDown: (e) => this.isKey(e) && (e.preventDefault(), this.press()),
            onKeyUp: (e) => this.isKey(e) && (e.preventDefault(), this.release()),
            onBlur: this.release,
            // From a screen reader, which neither presses nor holds.
            onClick: (e) => e.detail === 0 && this.shoot(),
          },
          holding ? "Taking pictures…" : "Hold to take pictures",
          taken > 0 && span({ class: "count" }, taken),
        ),
        button({ type: "button", class: "button", onClick: onClose }, "Done"),
      ),
    );
  }
}
