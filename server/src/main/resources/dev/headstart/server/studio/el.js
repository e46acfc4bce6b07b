// Elements as functions: div({class: "card"}, "text"). Text is always text: nothing here makes HTML out of strings.
import { h } from "./preact.js";

export const el = new Proxy({}, {
  get: (_, tag) => (props, ...children) => h(tag, props, ...children),
});
