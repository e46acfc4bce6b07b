// Numbers, sizes and times as a person says them.

export const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function percent(share) {
  if (share === null || share === undefined || Number.isNaN(share)) {
    return "–";
  }
  // 99.6 % is not all of them.
  const rounded = Math.round(share * 100);
  return rounded === 100 && share < 1 ? `${(Math.floor(share * 1000) / 10).toFixed(1)}\u00a0%` : `${rounded}\u00a0%`;
}

export const decimal = (n, digits = 3) => (typeof n === "number" && Number.isFinite(n) ? n.toFixed(digits) : "–");

export function bytes(n) {
  if (typeof n !== "number" || n < 0) {
    return "–";
  }
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export function duration(seconds) {
  if (seconds < 1) {
    return "a moment";
  }
  if (seconds < 90) {
    return count(Math.round(seconds), "second");
  }
  if (seconds < 5400) {
    return count(Math.round(seconds / 60), "minute");
  }
  return count(Math.round(seconds / 3600), "hour");
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export function time(iso) {
  const then = new Date(iso);
  if (!iso || Number.isNaN(then.getTime())) {
    return "–";
  }
  const today = then.toDateString() === new Date().toDateString();
  return today ? CLOCK.format(then) : `${DAY.format(then)}, ${CLOCK.format(then)}`;
}

// A label as the API gives it: a class, a list of classes, or a number.
export const label = (value) =>
  Array.isArray(value) ? (value.length ? value.join(", ") : "none") : value === null || value === undefined ? "none" : typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value);

export const hits = (label, predicted) =>
  Array.isArray(label)
    ? Array.isArray(predicted) && [...label].sort().join("\n") === [...predicted].sort().join("\n")
    : label === predicted;

// How far an answer is off: 0 is right, more is worse. Of classes it is right or wrong.
export const off = (label, predicted) => (typeof label === "number" && typeof predicted === "number" ? Math.abs(label - predicted) : hits(label, predicted) ? 0 : 1);

// How good metrics are, in a few words; for a table.
export const goodness = (metrics) =>
  !metrics ? "–" : typeof metrics.accuracy === "number" ? percent(metrics.accuracy) : typeof metrics.mae === "number" ? `off by ${decimal(metrics.mae)}` : `loss ${decimal(metrics.loss)}`;

// What a version is expected to do on new samples, where every sample was judged once by a head that had not seen it.
export function crossValidated(version) {
  const found = version?.crossValidation ?? version?.metrics?.crossValidation;
  if (!found || typeof found.low !== "number") {
    return null;
  }
  const share = typeof found.accuracy === "number" || typeof found.rmse !== "number";
  const show = share ? percent : decimal;
  return `${share ? "" : "off by "}${show(found.low)} to ${show(found.high)} expected on new samples (${found.folds}-fold)`;
}

// How far scores are from how often they are right, before and after they were put right.
export function calibrated(version) {
  const found = version?.calibration ?? version?.metrics?.calibration;
  return !found || typeof found.after !== "number" ? null : `scores off by ${percent(found.after)} on average${typeof found.before === "number" ? `, ${percent(found.before)} before calibration` : ""}`;
}

export const MODALITIES = { image: "pictures", text: "texts", tensor: "feature vectors", vector: "feature vectors" };

export const STAGES = {
  decode: "Reading samples",
  samples: "Reading samples",
  features: "Looking at samples",
  artifacts: "Preparing the training",
  train: "Training",
  refit: "Learning from all samples",
  augment: "Varying the pictures",
  "augment: gain": "Measuring what varying them gains",
  "cross-validation": "Estimating how it will do on new samples",
  publish: "Writing the version",
  judge: "Judging the version",
};

export const stage = (name) =>
  STAGES[name] ?? (name ? name.charAt(0).toUpperCase() + name.slice(1) : "Starting");
