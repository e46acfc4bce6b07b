// Loss and accuracy over the epochs, for what trains and what judges. uPlot draws; the numbers stand beside it in words.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import uPlot from "./uplot.js";
import { decimal, percent } from "./words.js";

const { figure, figcaption, div, span } = el;

const HEIGHT = 116;
const DARK = matchMedia("(prefers-color-scheme: dark)");

// Up to here the whole run has room; of longer ones, which mostly end early, the axis grows with what there is.
const WHOLE = 200;

// The last epoch that the axis shows.
const reach = (of, now) => (of <= WHOLE ? Math.max(of, now, 5) : Math.min(of, Math.max(WHOLE, 2 ** Math.ceil(Math.log2(now + 1)))));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart extends Component {
  host = createRef();

  componentDidMount() {
    this.draw();
    this.sizes = new ResizeObserver(() => this.plot?.setSize({ width: this.host.current.clientWidth, height: HEIGHT }));
    this.sizes.observe(this.host.current);
    DARK.addEventListener("change", this.draw);
  }

  componentDidUpdate() {
    this.plot?.setData(this.data());
  }

  componentWillUnmount() {
    DARK.removeEventListener("change", this.draw);
    this.sizes.disconnect();
    this.plot?.destroy();
  }

  data() {
    const { epochs, series } = this.props;
    return [epochs.map((e) => e.epoch), ...series.map((s) => epochs.map((e) => s.of(e) ?? null))];
  }

  draw = () => {
    this.plot?.destroy();
    const axis = {
      stroke: colour("--muted"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const { range, values, series } = this.props;
    this.plot = new uPlot(
      {
        width: Math.max(1, this.host.current.clientWidth),
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: (u, min, max) => [1, reach(this.props.of ?? 0, max ?? 0)] }, y: { range } },
        axes: [
          { ...axis, size: 22, gap: 2, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
          { ...axis, size: 40, gap: 4, values: (u, at) => at.map(values) },
        ],
        series: [
          {},
          ...series.map((s) => ({
            stroke: colour(s.colour),
            width: 2,
            dash: s.dash,
            spanGaps: true,
            points: { show: (u) => u.data[0].length < 3, size: 5, fill: colour(s.colour) },
          })),
        ],
      },
      this.data(),
      this.host.current,
    );
  };

  render({ title, epochs, series, says }) {
    const last = epochs[epochs.length - 1];
    const now = series.filter((s) => last && typeof s.of(last) === "number");
    return figure(
      { class: "chart" },
      figcaption(
        { class: "row" },
        span({ class: "chart-title" }, title),
        series.map((s) => span({ key: s.name, class: `key ${s.dash ? "dashed" : ""}` }, span({ class: `swatch ${s.colour.slice(2)}` }), s.name, " ", span({ class: "figure" }, last && typeof s.of(last) === "number" ? says(s.of(last)) : "–"))),
      ),
      div({
        class: "plot",
        ref: this.host,
        role: "img",
        "aria-label": now.length ? `${title} after ${last.epoch} epochs: ${now.map((s) => `${s.name} ${says(s.of(last))}`).join(", ")}` : `${title}: nothing yet`,
      }),
    );
  }
}

const TRAINING = { name: "training", colour: "--series-training" };
const VALIDATION = { name: "validation", colour: "--series-validation", dash: [6, 4] };

export class Curves extends Component {
  render({ epochs: all }) {
    const epochs = all.filter((e) => e.stage !== "refit");
    const of = epochs[epochs.length - 1]?.of;
    const measured = (key) => epochs.some((e) => typeof e[key] === "number");
    const accurate = epochs.length === 0 || epochs.some((e) => typeof e.validation?.accuracy === "number") || measured("trainAccuracy");
    return div(
      { class: "curves" },
      h(Chart, {
        title: "Loss",
        epochs,
        of,
        series: [{ ...TRAINING, of: (e) => e.trainLoss }, { ...VALIDATION, of: (e) => e.validation?.loss }],
        range: (u, min, max) => [0, Math.max(max ?? 0, 0.1) * 1.05],
        values: (v) => String(Number(v.toPrecision(3))),
        says: (v) => decimal(v),
      }),
      accurate &&
        h(Chart, {
          title: "Accuracy",
          epochs,
          of,
          series: [...(measured("trainAccuracy") ? [{ ...TRAINING, of: (e) => e.trainAccuracy }] : []), { ...VALIDATION, of: (e) => e.validation?.accuracy }],
          range: () => [0, 1.02],
          values: (v) => (v <= 1 ? `${Math.round(v * 100)} %` : ""),
          says: percent,
        }),
    );
  }
}
