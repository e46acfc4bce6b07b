// The device's camera. One part of the page has it at a time, as many devices allow no more.
import { Component, createRef } from "./preact.js";
import { el } from "./el.js";
import { problem } from "./notice.js";
import { icon } from "./icons.js";

const { div, video, button } = el;

// Base models look at far fewer pixels.
const LONGEST_SIDE = 640;
const QUALITY = 0.92;

// Browsers give cameras to secure contexts only: https, or the machine itself.
export const cameraAllowed = () => Boolean(navigator.mediaDevices?.getUserMedia);

const WORDS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, then open the camera again.",
  NotFoundError: "This device has no camera that the browser knows of.",
  NotReadableError: "The camera is in use by another program.",
};

let holder = null;

// Shows what the camera sees. picture() is what it sees now, as a JPEG.
export class Camera extends Component {
  screen = createRef();
  state = { error: null, ready: false, back: true };

  componentDidMount() {
    holder?.props.onClose();
    holder = this;
    this.open();
  }

  componentWillUnmount() {
    this.gone = true;
    this.close();
    if (holder === this) {
      holder = null;
    }
  }

  open = async () => {
    this.close();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: this.state.back ? "environment" : "user", width: { ideal: 1280 }, height: { ideal: 960 } },
      });
      if (this.gone) {
        stream.getTracks().forEach((track) => track.stop());
        return;
      }
      this.stream = stream;
      stream.getVideoTracks()[0].onended = () => this.setState({ error: "The camera was taken away.", ready: false });
      this.screen.current.srcObject = stream;
      await this.screen.current.play();
      this.setState({ error: null, ready: true });
    } catch (e) {
      if (!this.gone) {
        this.setState({ error: WORDS[e.name] ?? `The camera does not open: ${e.message}`, ready: false });
      }
    }
  };

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  flip = () => this.setState(({ back }) => ({ back: !back, ready: false }), this.open);

  // null while there is nothing to see.
  async picture() {
    const seen = this.screen.current;
    if (!this.state.ready || !seen?.videoWidth) {
      return null;
    }
    const scale = Math.min(1, LONGEST_SIDE / Math.max(seen.videoWidth, seen.videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(seen.videoWidth * scale);
    canvas.height = Math.round(seen.videoHeight * scale);
    canvas.getContext("2d").drawImage(seen, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return blob && new File([blob], `camera-${new Date().toISOString().replace(/[:.]/g, "-")}.jpg`, { type: blob.type });
  }

  render({ frozen }, { error, ready }) {
    return div(
      { class: `camera ${frozen ? "frozen" : ""}` },
      video({ ref: this.screen, playsInline: true, muted: true, "aria-label": "What the camera sees" }),
      error && div({ class: "camera-words" }, problem(error)),
      ready && button({ type: "button", class: "icon-button on-picture", "aria-label": "Use the other camera", onClick: this.flip }, icon("flip")),
    );
  }
}
