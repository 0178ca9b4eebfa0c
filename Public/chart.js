// Curves of several runs in one picture, measured values with their intervals among them, and what the pointer is over in words.

import { el, svg } from "./page.js";

const [width, height, left, right, bottom, top] = [480, 200, 44, 10, 34, 10];

/**
 * A picture of `series`: `{ name, colour, points: [[x, y]], marks: [{ x, y, low, high, name }] }`, `colour` being one of the six of the style.
 *
 * Curves of more than 40 points are drawn faint, with a moving mean over them.
 */
export function chart(series, { title, across, up, zero = true }) {
  const all = series.flatMap(one => one.points), marks = series.flatMap(one => one.marks ?? []);
  const xs = [...all.map(p => p[0]), ...marks.map(m => m.x)];
  const ys = [...all.map(p => p[1]), ...marks.flatMap(m => [m.low, m.high])];
  const [first, last] = span(xs, 1);
  const [least, most] = span(zero ? [0, ...ys] : ys, 1e-9);
  const air = 0.05 * (most - least);
  const [low, high] = [least < 0 || !zero ? least - air : least, most + air];
  // Marks stand beside one another at the ends.
  const room = marks.length ? 8 * series.length : 0;
  const x = v => left + room + (width - left - right - 2 * room) * (v - first) / (last - first);
  const y = v => height - bottom - (height - bottom - top) * (v - low) / (high - low);
  const said = series.filter(one => one.points.length).map(one => `${one.name} from ${short(one.points[0][1])} to ${short(one.points.at(-1)[1])}`);
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}, by ${across}: ${said.join("; ") || "nothing yet"}` });
  for (const tick of ticks(low, high)) {
    picture.append(svg("line", { class: Math.abs(tick) < 1e-12 ? "zero" : "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    picture.append(svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, short(tick)));
  }
  for (const tick of ticks(first, last).filter(Number.isInteger)) {
    picture.append(svg("text", { x: x(tick), y: height - bottom + 15, "text-anchor": "middle" }, short(tick)));
  }
  picture.append(svg("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, across));
  const path = points => points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
  for (const [place, { colour, points, marks = [] }] of series.entries()) {
    // Runs that begin at one step are told apart.
    const aside = 8 * (place - (series.length - 1) / 2);
    const group = svg("g", { class: `series-${colour}` });
    const isLong = points.length > 40;
    if (isLong) group.append(svg("polyline", { class: "raw", points: path(points) }));
    if (points.length > 1) group.append(svg("polyline", { class: "line", points: path(isLong ? moving(points) : points) }));
    if (points.length < 13) for (const [a, b] of points) group.append(svg("circle", { class: "point", cx: x(a), cy: y(b), r: 2.5 }));
    for (const mark of marks) {
      const [at, on] = [x(mark.x) + aside, y(mark.y)];
      group.append(svg("line", { class: "bar", x1: at, x2: at, y1: y(mark.low), y2: y(mark.high) }));
      const box = svg("rect", { class: "mark", x: at - 4, y: on - 4, width: 8, height: 8, transform: `rotate(45 ${at} ${on})` });
      box.append(svg("title", {}, mark.name));
      group.append(box);
    }
    picture.append(group);
  }
  const readout = el("span", { className: "quiet readout", textContent: up });
  const hair = svg("line", { class: "hair", y1: top, y2: height - bottom, visibility: "hidden" });
  picture.append(hair);
  picture.addEventListener("pointermove", event => {
    const box = picture.getBoundingClientRect();
    const at = first + (last - first) * ((event.clientX - box.left) / box.width * width - left - room) / (width - left - right - 2 * room);
    const near = series.flatMap(one => {
      const point = one.points.reduce((best, next) => !best || Math.abs(next[0] - at) < Math.abs(best[0] - at) ? next : best, null);
      return point ? [{ name: one.name, point }] : [];
    });
    if (!near.length) return;
    const place = near.reduce((best, next) => Math.abs(next.point[0] - at) < Math.abs(best.point[0] - at) ? next : best).point[0];
    hair.setAttribute("x1", x(place));
    hair.setAttribute("x2", x(place));
    hair.setAttribute("visibility", "visible");
    readout.textContent = `${across} ${place}: ${near.map(({ name, point }) => `${short(point[1])}${near.length > 1 ? ` (${name})` : ""}`).join(", ")}`;
  });
  picture.addEventListener("pointerleave", () => {
    hair.setAttribute("visibility", "hidden");
    readout.textContent = up;
  });
  return el("figure", { className: "chart" }, el("figcaption", {}, el("strong", { textContent: title }), " ", readout), picture);
}

function span(values, least) {
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  return [low, Math.max(high, low + least)];
}

function moving(points) {
  const reach = Math.max(2, Math.round(points.length / 20));
  return points.map(([x], place) => {
    const near = points.slice(Math.max(0, place - reach), place + reach + 1);
    return [x, near.reduce((sum, point) => sum + point[1], 0) / near.length];
  });
}

const short = value => Number(value.toPrecision(3)).toString().replace("-", "−");

function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10(high - low || 1));
  const step = [0.1, 0.2, 0.5, 1, 2, 5].map(part => part * power).find(part => (high - low) / part <= 6) ?? power;
  const marks = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place++) marks.push(place * step);
  return marks;
}

/** Typed and spoken accuracy on a line from 0 to 100 %, and the gap between them. */
export function dumbbell(text, audio) {
  const x = share => 5 + 90 * share;
  const mark = svg("svg", { class: "dumbbell", viewBox: "0 0 100 14", role: "img", "aria-label": `typed ${percent(text)}, spoken ${percent(audio)}` });
  mark.append(svg("line", { class: "rail", x1: 5, x2: 95, y1: 7, y2: 7 }));
  if (text !== undefined && audio !== undefined) mark.append(svg("line", { class: "between", x1: x(text), x2: x(audio), y1: 7, y2: 7 }));
  if (audio !== undefined) mark.append(svg("circle", { class: "audio", cx: x(audio), cy: 7, r: 4 }));
  if (text !== undefined) mark.append(svg("circle", { class: "text", cx: x(text), cy: 7, r: 4 }));
  return mark;
}

const percent = share => share === undefined ? "not measured" : `${(100 * share).toFixed(1)} %`;
