// Teaching: the button, what may be chosen, and how it goes.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { get, post, url } from "./api.js";
import { problem, say } from "./notice.js";
import { icon } from "./icons.js";
import { count, decimal, duration, percent, stage } from "./words.js";
import { ACTIVE, RunFollower } from "./run.js";
import { Curves } from "./curves.js";
import { RecipeFields, recipe } from "./recipe.js";

const { section, h2, div, button, p, a, progress, details, summary, span, ul, li } = el;

// Why there is nothing to learn yet, in words; null if there is.
function missing(head, may) {
  if (!may) {
    return "This key may not teach.";
  }
  if (head.task === "regression") {
    return head.samples.total < 2 ? "It needs some samples." : null;
  }
  const some = head.classes.filter((c) => c.samples > 0);
  if (head.task === "multi") {
    return some.length === 0 ? "It needs some samples." : null;
  }
  if (some.length >= 2) {
    return null;
  }
  return some.length === 1 ? `There are samples of ${some[0].name} only: add some of another class.` : "It needs two classes with samples.";
}

// How good the version is that a run made, in words.
function measure(metrics) {
  if (!metrics) {
    return "nothing judged it";
  }
  if (typeof metrics.mae === "number") {
    return `on average off by ${decimal(metrics.mae)} on the samples that judge`;
  }
  return typeof metrics.accuracy === "number" ? `${percent(metrics.accuracy)} of the samples that judge were right` : `loss ${decimal(metrics.loss)}`;
}

export class Teach extends Component {
  state = { view: null, options: {}, filled: false, error: null, busy: false };
  button = createRef();

  componentDidMount() {
    this.latest();
  }

  componentDidUpdate(before) {
    if (before.change !== this.props.change) {
      this.latest();
    }
  }

  componentWillUnmount() {
    this.gone = true;
    this.follower?.close();
  }

  // The head's newest run, whoever began it.
  latest = async () => {
    try {
      const { runs } = await get(url`/v1/heads/${this.props.head.head}/runs`);
      const run = runs.find((r) => r.state === "running") ?? runs.find((r) => r.state === "queued") ?? runs[0];
      if (this.gone || !run || (this.follower?.id === run.id && !this.follower.over)) {
        return;
      }
      this.follow(run);
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  follow(run) {
    if (!ACTIVE.includes(run.state)) {
      this.follower?.close();
      this.follower = null;
      const { view } = this.state;
      const same = view?.run?.id === run.id;
      this.over({ ...(same ? view : { warnings: run.warnings ?? [] }), run, epochs: run.epochs?.length ? run.epochs : same ? view.epochs : [] });
      return;
    }
    this.follower?.close();
    this.follower = new RunFollower(this.props.head.head, run.id, (view) => {
      if (view.run && !ACTIVE.includes(view.run.state)) {
        this.over(view).then(() => say(this.outcome(this.state.view)));
        this.props.onChanged();
      } else {
        this.setState({ view });
      }
    });
    this.follower.id = run.id;
    this.setState({ view: { ...this.follower.view, run, epochs: run.epochs ?? [] } });
  }

  // A run's last epoch is not its best one: what its version was judged by, the version says.
  async over(view) {
    const { run } = view;
    let metrics = null;
    if (run.version) {
      try {
        metrics = (await get(url`/v1/heads/${this.props.head.head}/versions`)).versions.find((v) => v.version === run.version)?.metrics ?? null;
      } catch (e) {
        this.setState({ error: e.message });
      }
    }
    this.setState({ view: { ...view, metrics } });
  }

  act = async (action) => {
    this.setState({ busy: true, error: null });
    try {
      await action();
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.setState({ busy: false });
  };

  teach = () =>
    this.act(async () => {
      const run = await post(url`/v1/heads/${this.props.head.head}/runs`, recipe(this.state.options));
      say("The teaching begins");
      this.follow(run);
    });

  // What was advised is filled in, to be seen and changed before it is taught.
  advised = (options) => {
    this.setState({ options: { ...this.state.options, kind: "", unfreeze: "", cut: "", rate: "", augment: "", ...options }, filled: true }, () => {
      this.button.current?.scrollIntoView({ block: "center" });
      this.button.current?.focus();
    });
    say("The options are filled in as advised. Press Teach to begin.");
  };

  runPath(verb) {
    return url`/v1/heads/${this.props.head.head}/runs/${this.state.view.run.id}/${verb}`;
  }

  cancel = () => this.act(() => post(this.runPath("cancel")));

  resume = () =>
    this.act(async () => {
      const run = await post(this.runPath("resume"));
      this.follow(run ?? { ...this.state.view.run, state: "queued" });
    });

  render({ head, may }, { view, options, filled, error, busy }) {
    const run = view?.run;
    const active = run && ACTIVE.includes(run.state);
    const reason = missing(head, may);
    return section(
      { class: "card teach", tabindex: -1, "aria-labelledby": "teach-title" },
      div({ class: "row top" }, h2({ id: "teach-title", class: "grow" }, "Teach"), run && !active && span({ class: "muted small" }, `run ${run.id}`)),
      active
        ? this.running(view, may, busy)
        : [
            button({ type: "button", ref: this.button, class: "button primary big", disabled: busy || reason !== null, "aria-describedby": "teach-reason", onClick: this.teach }, icon("spark"), busy ? "Asking…" : "Teach"),
            p({ id: "teach-reason", class: "muted small" }, reason ?? this.news(head)),
          ],
      problem(error, () => this.setState({ error: null })),
      view && !active && this.ended(view, may, busy),
      view && (active || view.epochs?.length > 0) && h(Curves, { epochs: view.epochs ?? [] }),
      view?.warnings?.length > 0 && ul({ class: "notice warnings" }, view.warnings.map((message) => li({ key: message }, message))),
      !active &&
        may &&
        details({ class: "more", open: filled }, summary(null, "Options", Object.keys(recipe(options)).length > 0 && span({ class: "count" }, Object.keys(recipe(options)).length)), h(RecipeFields, { head, options, onChange: (next) => this.setState({ options: next }) })),
    );
  }

  news(head) {
    const { since } = head.samples ?? {};
    if (!head.version) {
      return `${count(head.samples?.total ?? 0, "sample")}, ready to learn from.`;
    }
    return since ? `${count(since, "sample")} came, changed or went since version ${head.version} learned.` : `Version ${head.version} has learned from all of them.`;
  }

  running(view, may, busy) {
    const { run, restart } = view;
    const last = view.epochs?.[view.epochs.length - 1];
    const name = view.stage ?? run.stage;
    const training = last && (name === "train" || name === "refit");
    const [done, total] = training ? [last.epoch, last.of] : [view.done ?? 0, view.total ?? 0];
    const words = run.state === "queued" ? "Waiting for another training to end" : stage(name);
    const eta = typeof run.eta === "number" && run.state === "running" ? ` · at most ${duration(run.eta)} left` : "";
    return div(
      { class: "running" },
      div(
        { class: "row" },
        div({ class: "grow" }, p({ class: "stage" }, words), p({ class: "muted small" }, total > 0 ? `${training ? "epoch" : ""} ${done} of ${total}${eta}` : `run ${run.id}${eta}`)),
        may && button({ type: "button", class: "button", disabled: busy, onClick: this.cancel }, "Cancel"),
      ),
      progress({ "aria-label": words, ...(total > 0 && { max: total, value: done }) }),
      restart && div({ class: "notice", role: "status" }, `It began anew: ${restart}`),
    );
  }

  outcome({ run, metrics }) {
    switch (run.state) {
      case "done":
        if (!run.version) {
          return run.reason ?? "The run ended without a version.";
        }
        return `Version ${run.version} ${run.promoted ? "is live" : "is ready, but not live"}: ${measure(metrics)}.`;
      case "failed":
        return `The teaching failed: ${run.reason ?? "the server says no more"}`;
      case "cancelled":
        return "The teaching was cancelled.";
      default:
        return `The teaching was interrupted${run.reason ? `: ${run.reason}` : ", as the server stopped."}`;
    }
  }

  ended(view, may, busy) {
    const { run } = view;
    const { head } = this.props;
    if (run.state === "done") {
      return div(
        { class: "notice good", role: "status" },
        icon("check"),
        div({ class: "grow" }, p(null, this.outcome(view)), run.version && !run.promoted && p({ class: "small" }, run.reason ?? `Version ${head.version} stays live.`), view.restart && p({ class: "small" }, `It began anew on its way: ${view.restart}.`), run.version && a({ href: url`#/heads/${head.head}/results` }, "See where it errs")),
      );
    }
    return div(
      { class: `notice ${run.state === "failed" ? "bad" : ""}`, role: "status" },
      div({ class: "grow" }, p({ class: "wrap" }, this.outcome(view))),
      run.state === "interrupted" && button({ type: "button", class: "button", disabled: busy || !may, onClick: this.resume }, "Go on"),
    );
  }
}
