// The page: which screen the address names, who is logged in, and whether the server is there.
import { Component, h, render } from "./preact.js";
import { el } from "./el.js";
import { get, onLocked, remove } from "./api.js";
import { onState, start, stop } from "./follow.js";
import { problem } from "./notice.js";
import { icon } from "./icons.js";
import { Login } from "./login.js";
import { Heads } from "./heads.js";
import { Head } from "./head.js";
import { System } from "./system.js";

const { div, header, main, nav, a, span, button, p, svg, rect, path, circle } = el;

const ROLES = { predict: "may look and ask", teach: "may teach", admin: "may do everything" };

// #/heads/NAME/TAB, with a name that may hold anything.
function place() {
  const [screen, head, tab] = location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  return { screen: screen || "heads", head, tab: tab || "teach" };
}

const logo = () =>
  svg(
    { class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true" },
    rect({ width: 32, height: 32, rx: 8, fill: "var(--brand)" }),
    path({ d: "M9 7v18M9 17c0-5 4-7 7-7s6 2 6 6v9", fill: "none", stroke: "#fff", "stroke-width": 3.4, "stroke-linecap": "round" }),
    circle({ cx: 23, cy: 8, r: 2.6, fill: "#7fe3d4" }),
  );

class App extends Component {
  state = { place: place(), session: null, here: null, error: null };

  componentDidMount() {
    addEventListener("hashchange", () => {
      this.setState({ place: place() });
      scrollTo(0, 0);
    });
    onState((here) => this.setState({ here }));
    onLocked(() => this.state.session?.role && this.enter());
    this.enter();
  }

  // Asks who this is; then follows what happens.
  enter = async () => {
    try {
      const session = await get("/v1/session");
      this.setState({ session, error: null });
      if (!session.asked || session.role) {
        start();
      } else {
        stop();
      }
    } catch (e) {
      this.setState({ error: e.message });
      setTimeout(this.enter, 3000);
    }
  };

  leave = async () => {
    try {
      await remove("/v1/session");
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.enter();
  };

  render(_, { place, session, here, error }) {
    const open = session && (!session.asked || session.role);
    const may = open && (!session.asked || session.role !== "predict");
    const link = (to, text) =>
      a({ href: `#/${to}`, class: "nav-link", "aria-current": place.screen === to ? "page" : undefined }, text);
    return div(
      { class: "page" },
      a({ class: "skip", href: "#main", onClick: this.skip }, "Skip to the content"),
      header(
        { class: "masthead" },
        a({ href: "#/heads", class: "brand", "aria-label": "Headstart Studio" }, logo(), span({ class: "brand-name" }, "Headstart")),
        open && nav({ "aria-label": "Main" }, link("heads", "Heads"), link("system", "System"), a({ href: "/docs", class: "nav-link wide-only" }, "API")),
        span({ class: "grow" }),
        open &&
          span(
            { class: `presence ${here === false ? "away" : ""}`, title: here === false ? "The server does not answer" : "Connected" },
            span({ class: "dot" }),
            span({ class: "presence-word" }, here === false ? "Server away" : here ? "Connected" : "Connecting"),
          ),
        session?.asked && session.role && button({ type: "button", class: "button quiet", onClick: this.leave }, "Log out"),
      ),
      here === false &&
        div({ class: "banner", role: "status" }, icon("warning"), "The server does not answer. This page tries again every few seconds, and goes on by itself."),
      session?.role === "predict" &&
        div({ class: "banner calm" }, "This key ", ROLES.predict, ". To add samples, teach or promote, log in with one that may teach."),
      main({ id: "main", tabindex: -1 }, problem(error), this.screen(place, session, open, may)),
      p({ id: "voice", class: "unseen", role: "status", "aria-live": "polite" }),
    );
  }

  // The address names a screen, so the link must not change it.
  skip = (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  };

  screen(place, session, open, may) {
    if (!session) {
      return null;
    }
    if (!open) {
      return h(Login, { onDone: this.enter });
    }
    if (place.screen === "system") {
      return h(System);
    }
    return place.head === undefined ? h(Heads, { may }) : h(Head, { key: place.head, name: place.head, tab: place.tab, may });
  }
}

render(h(App), document.getElementById("app"));
