// Dialogs by <dialog>: the browser keeps the focus in it, gives it back afterwards, and closes it on Escape.
import { Component, createRef, h, render } from "./preact.js";
import { el } from "./el.js";
import { icon } from "./icons.js";

const { dialog, h2, button, div, form, p } = el;

let ids = 0;

export class Dialog extends Component {
  box = createRef();
  id = `dialog-${++ids}`;

  componentDidMount() {
    this.box.current.showModal();
  }

  render({ title, onClose, wide, children }) {
    return dialog(
      {
        ref: this.box,
        class: wide ? "dialog wide" : "dialog",
        "aria-labelledby": this.id,
        onClose,
        onMouseDown: (event) => event.target === this.box.current && this.box.current.close(),
      },
      div(
        { class: "dialog-head" },
        h2({ id: this.id }, title),
        button({ type: "button", class: "icon-button", "aria-label": "Close", onClick: () => this.box.current.close() }, icon("close")),
      ),
      div({ class: "dialog-body" }, children),
    );
  }
}

// Asks before what cannot be undone. Resolves to whether to go on.
export function ask(title, text, action) {
  return new Promise((resolve) => {
    const host = document.body.appendChild(document.createElement("div"));
    const end = (answer) => {
      render(null, host);
      host.remove();
      resolve(answer);
    };
    const box = createRef();
    let answer = false;
    render(
      h(
        Dialog,
        { title, ref: box, onClose: () => end(answer) },
        form(
          {
            method: "dialog",
            onSubmit: () => {
              answer = true;
            },
          },
          p(null, text),
          div(
            { class: "row end" },
            button({ type: "button", class: "button", onClick: (e) => e.currentTarget.closest("dialog").close() }, "Cancel"),
            button({ class: "button danger", autofocus: true }, action),
          ),
        ),
      ),
      host,
    );
  });
}
