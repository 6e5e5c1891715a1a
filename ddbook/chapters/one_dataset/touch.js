// The picture to touch: what six learners lose with one point in place of the data. No other file, no network.
(() => {
  const SIZE = 226, LEFT = 44, TOP = 12, RANGE = 4, SCALE = SIZE / 2 / RANGE;  // the plane, from -RANGE to RANGE
  const START = 114, END = 304, MOST = 1.5, ROW = 36;  // the axis of losses, on a square-root scale
  const TICKS = [0, 0.01, 0.1, 0.25, 0.5, 1];
  const place = share => START + (END - START) * Math.sqrt(Math.min(Math.max(share, 0), MOST) / MOST);
  const svg = (name, attributes = {}, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  const into = (parent, ...rest) => parent.appendChild(svg(...rest));
  const percent = share => {
    const value = 100 * Math.max(share, 0);
    if (value < 0.005) return "0 %";
    if (value >= 99.95) return value < 9999.5 ? `${Math.round(value).toLocaleString("en")} %` : "> 9,999 %";
    return `${value < 0.1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
  };
  const number = value => (value < 1e-3 ? "0" : value < 10 ? value.toFixed(2) : value.toFixed(0));

  // ---- what is learned from one point, and what is lost with it
  const sigmoid = t => (t >= 0 ? 1 / (1 + Math.exp(-t)) : Math.exp(t) / (1 + Math.exp(t)));
  const softplus = t => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));  // log(1 + exp t)
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1];

  function root(slope, low, high) {  // of an increasing function with its derivative; Newton's step, halving where it leaves
    let at = (low + high) / 2;
    for (let step = 0; step < 200; step += 1) {
      const [value, rise] = slope(at);
      if (value === 0) return at;
      if (value > 0) high = at; else low = at;
      let next = at - value / rise;
      if (!(next > low && next < high)) next = (low + high) / 2;
      if (Math.abs(next - at) <= 1e-15 * Math.abs(at)) return next;
      at = next;
    }
    return at;
  }

  function mathematics({ x, y, threshold, learners }) {
    const rows = x.map((row, i) => ({ x: row, y: y[i], sign: y[i] > threshold ? 1 : -1 }));
    const total = weigh => rows.reduce((sum, row) => sum + weigh(row), 0);
    const gram = [0, 1].map(i => [0, 1].map(j => total(row => row.x[i] * row.x[j])));
    const moment = [0, 1].map(i => total(row => row.x[i] * row.y));
    const squared = (v, penalty) => v[0] * dot(gram[0], v) + v[1] * dot(gram[1], v) + penalty * dot(v, v);

    const risk = {  // of coefficients on the data; of least squares and ridge only what exceeds the least
      quadratic: (of, t) => squared([t[0] - of.solution[0], t[1] - of.solution[1]], of.penalty),
      absolute: (of, t) => total(row => Math.abs(row.y - dot(row.x, t))),
      logistic: (of, t) => total(row => softplus(-row.sign * dot(row.x, t))) + of.penalty / 2 * dot(t, t),
    };
    const learned = {  // from one point: the factor by which x is multiplied
      quadratic: (of, q, point) => point.w * point.y / (point.w * q + of.penalty),
      absolute: (of, q, point) => point.y / q,
      logistic: (of, q, point) => {  // the margin m = (w q / penalty) sigmoid(-m)
        const force = point.w * q / of.penalty;
        const margin = root(m => [m - force * sigmoid(-m), 1 + force * sigmoid(m) * sigmoid(-m)], 0, force);
        return (point.y > threshold ? 1 : -1) * margin / q;
      },
    };
    const best = {  // the best multiple of a direction of length one
      quadratic: (of, v) => dot(moment, v) / squared(v, of.penalty),
      absolute: (of, v) => {  // a weighted median of the slopes
        const slopes = rows.map(row => ({ z: Math.abs(dot(row.x, v)), slope: row.y / dot(row.x, v) })).filter(row => row.z > 0);
        slopes.sort((a, b) => a.slope - b.slope);
        let left = slopes.reduce((sum, row) => sum + row.z, 0) / 2;
        return (slopes.find(row => (left -= row.z) <= 0) || { slope: 0 }).slope;
      },
      logistic: (of, v) => {
        const most = Math.sqrt(2 * of.untrained / of.penalty) + 1;
        return root(c => {
          let value = of.penalty * c, rise = of.penalty;
          for (const row of rows) {
            const z = row.sign * dot(row.x, v), miss = sigmoid(-c * z);
            value -= z * miss;
            rise += z * z * miss * (1 - miss);
          }
          return [value, rise];
        }, -most, most);
      },
    };
    const share = (of, coefficients) => {
      const base = of.kind === "quadratic" ? 0 : of.reference;
      const all = of.kind === "quadratic" ? squared(of.solution, of.penalty) : of.untrained - of.reference;
      return (risk[of.kind](of, coefficients) - base) / all;
    };
    return {
      losses: point => learners.map(of => {
        const q = dot(point.x, point.x), factor = point.w > 0 && q > 0 ? learned[of.kind](of, q, point) : 0;
        return share(of, [factor * point.x[0], factor * point.x[1]]);
      }),
      bounds: v => learners.map(of => {
        const c = best[of.kind](of, v);
        return share(of, [c * v[0], c * v[1]]);
      }),
    };
  }

  // ---- the point: direction, length, label and weight, each with its slider
  const SLIDERS = [
    { key: "angle", name: "direction", low: -180, high: 180, step: 1, say: s => `${Math.round(s.angle)}°`.replace("-", "−") },
    { key: "length", name: "length", low: 0, high: 4, step: 0.05, say: s => number(s.length) },
    { key: "y", name: "label", low: -3, high: 3, step: 0.05, say: s => s.y.toFixed(2).replace("-", "−") },
    { key: "w", name: "weight", low: 0, high: 1, step: 0.01, say: s => `${number(s.w)} patients`,
      shown: w => Math.log10(1 + 10 * w) / 4, read: part => (10 ** (4 * part) - 1) / 10 },  // 0 to 1000, finer where it is small
  ];
  const pointOf = state => {
    const radians = state.angle * Math.PI / 180;
    return { x: [state.length * Math.cos(radians), state.length * Math.sin(radians)], y: state.y, w: state.w };
  };
  const stateOf = ({ x, y, w }, before) => {
    const length = Math.hypot(...x);
    return { angle: length > 0 ? Math.atan2(x[1], x[0]) * 180 / Math.PI : before.angle, length, y, w };
  };

  const across = v => LEFT + SIZE / 2 + SCALE * v, up = v => TOP + SIZE / 2 - SCALE * v;
  function drawPlane(data, holder) {
    const picture = into(holder, "svg", { viewBox: "0 0 384 300", class: "plane", role: "group", "aria-label": data.plane });
    into(picture, "rect", { x: LEFT, y: TOP, width: SIZE, height: SIZE, class: "frame" });
    for (const tick of [-4, -2, 0, 2, 4]) {
      into(picture, "text", { x: across(tick), y: TOP + SIZE + 18, "text-anchor": "middle" }, String(tick).replace("-", "−"));
      into(picture, "text", { x: LEFT - 5, y: up(tick) + 4, "text-anchor": "end" }, String(tick).replace("-", "−"));
    }
    into(picture, "text", { x: LEFT + SIZE / 2, y: TOP + SIZE + 37, "text-anchor": "middle", class: "axis" }, data.names[0]);
    into(picture, "text", { x: 0, y: 0, "text-anchor": "middle", class: "axis",
      transform: `translate(15 ${TOP + SIZE / 2}) rotate(-90)` }, data.names[1]);
    const dots = data.x.filter(row => Math.max(...row.map(Math.abs)) <= RANGE);
    into(picture, "path", { class: "data", d: dots.map(([a, b]) => `M${across(a).toFixed(1)} ${up(b).toFixed(1)}h0`).join("") });
    const ends = data.learners.map((of, i) => {
      const length = Math.hypot(...of.solution), side = of.solution[0] < 0 ? -1 : 1;
      return { of, i, x: side * RANGE * of.solution[0] / length, y: side * RANGE * of.solution[1] / length };
    }).sort((a, b) => b.y - a.y);
    const wanted = ends.map(end => up(end.y)), places = [...wanted];
    for (let round = 0; round < 400; round += 1) {  // names that lie too close push each other apart
      for (let i = 1; i < places.length; i += 1) {
        const lack = 16 - (places[i] - places[i - 1]);
        if (lack > 0) { places[i] += lack / 2; places[i - 1] -= lack / 2; }
      }
    }
    const edge = LEFT + SIZE;
    for (const { i, x, y } of [...ends].sort((a, b) => a.i - b.i)) {  // dashes over what is drawn through
      into(picture, "line", { x1: across(-x), y1: up(-y), x2: across(x), y2: up(y), class: `line c${i}` });
    }
    ends.forEach(({ of, i, x, y }, k) => {
      into(picture, "path", { d: `M${across(x)} ${up(y)}L${edge + 2} ${wanted[k]}L${edge + 9} ${places[k]}`, class: `lead c${i}` });
      into(picture, "text", { x: edge + 12, y: places[k] + 4, class: `name c${i}` }, of.name);
    });
    const ray = into(picture, "line", { class: "ray" });
    const role = { role: "application", "aria-roledescription": "movable point" };
    const handle = into(picture, "g", { class: "handle", tabindex: 0, ...role });
    into(handle, "circle", { r: 20, class: "reach" });
    const disc = into(handle, "circle", { class: "disc" });
    return { picture, ray, handle, disc };
  }

  function drawLosses(data, holder) {
    const low = TOP + ROW * data.learners.length + 6;
    const picture = into(holder, "svg", { viewBox: "0 0 384 300", class: "losses", role: "img",
      "aria-label": "Share lost by each learner, and the least in this direction; a sentence below the buttons says the numbers" });
    into(picture, "rect", { x: place(1), y: TOP, width: END - place(1), height: low - TOP, class: "worse" });
    for (const tick of TICKS) {
      into(picture, "line", { x1: place(tick), x2: place(tick), y1: TOP, y2: low, class: "grid" });
      into(picture, "text", { x: place(tick), y: low + 14, "text-anchor": "middle" }, `${100 * tick}`);
    }
    into(picture, "text", { x: START, y: low + 31, class: "axis" }, "% lost; 100 is no better than no data");
    into(picture, "rect", { x: START, y: low + 39, width: 22, height: 8, class: "bar" });
    into(picture, "text", { x: START + 28, y: low + 47 }, "unavoidable in this direction");
    return { picture, rows: data.learners.map((of, i) => {
      const y = TOP + ROW * (i + 0.5) + 3;
      into(picture, "text", { x: START - 8, y: y + 4, "text-anchor": "end", class: `name c${i}` }, of.name);
      const bar = into(picture, "rect", { x: START, y: y - 7, height: 14, class: "bar" });
      const edge = into(picture, "line", { y1: y - 9, y2: y + 9, class: "edge" });
      const mark = into(picture, "path", { class: `mark c${i}` });
      return { y, bar, edge, mark, text: into(picture, "text", { x: END + 9, y: y + 4, class: "value" }) };
    }) };
  }

  function start(home) {
    const data = JSON.parse(home.querySelector("script[type='application/json']").textContent);
    const { losses, bounds } = mathematics(data), live = home.querySelector(".live");
    const add = (parent, name, className, text = "") => {
      const element = parent.appendChild(document.createElement(name));
      element.className = className;
      element.textContent = text;
      return element;
    };
    add(live, "p", "title", data.title);
    add(live, "p", "hint", "Drag the orange point (or use the arrow keys), give it a label, and let it count for many patients.");
    const panels = add(live, "div", "panels");
    const plane = drawPlane(data, add(panels, "div", "panel")), table = drawLosses(data, add(panels, "div", "panel"));
    const controls = add(live, "div", "controls"), choice = add(live, "fieldset", "choice");
    add(choice, "legend", "", "Perfect point for");
    const said = add(live, "p", "said");
    said.setAttribute("aria-live", "polite");
    const sliders = SLIDERS.map(slider => {
      const label = add(controls, "label", ""), input = document.createElement("input");
      add(label, "span", "what", slider.name);
      Object.assign(input, { type: "range", min: slider.low, max: slider.high, step: slider.step, name: slider.key });
      label.append(input);
      const output = add(label, "output", "");
      input.addEventListener("input", () => {
        const value = Number(input.value);
        move({ ...state, [slider.key]: slider.read ? slider.read(value) : value });
      });
      return { ...slider, input, output };
    });
    let state, timer;

    function move(next) {
      state = next;
      const point = pointOf(state), radians = state.angle * Math.PI / 180;
      const lost = losses(point), least = bounds([Math.cos(radians), Math.sin(radians)]);
      home.ddlibTouch = { point, losses: lost, bounds: least };
      show(point, lost, least);
      clearTimeout(timer);
      timer = setTimeout(() => { said.textContent = spoken(lost, least); }, 400);
    }

    function spoken(lost, least) {
      const each = data.learners.map((of, i) => `${of.name} loses ${percent(lost[i])}, at least ${percent(least[i])}`);
      return `Direction ${sliders[0].say(state)}, length ${sliders[1].say(state)}, label ${sliders[2].say(state)}, ` +
        `${sliders[3].say(state)}. Share lost, and the least in this direction: ${each.join("; ")}.`;
    }

    function show(point, lost, least) {
      const [a, b] = point.x, radians = state.angle * Math.PI / 180, end = [RANGE * Math.cos(radians), RANGE * Math.sin(radians)];
      const ends = { x1: across(-end[0]), y1: up(-end[1]), x2: across(end[0]), y2: up(end[1]) };
      for (const [key, value] of Object.entries(ends)) plane.ray.setAttribute(key, value);
      plane.handle.setAttribute("transform", `translate(${across(a)} ${up(b)})`);
      plane.disc.setAttribute("r", 5 + 3 * Math.log10(1 + state.w));
      const at = `The point, at ${a.toFixed(2)}, ${b.toFixed(2)}`;
      plane.handle.setAttribute("aria-label", `${at}. Arrow keys move it, with Shift finely.`);
      table.rows.forEach((row, i) => {
        const far = lost[i] > MOST;
        row.bar.setAttribute("width", place(least[i]) - START);
        row.edge.setAttribute("x1", place(least[i]));
        row.edge.setAttribute("x2", place(least[i]));
        row.mark.setAttribute("d", far ? "M-5 -6L5 0L-5 6Z" : "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0");
        row.mark.style.transform = `translate(${place(lost[i])}px, ${row.y}px)`;
        row.text.textContent = percent(lost[i]);
      });
      for (const { input, output, key, shown, say } of sliders) {
        input.value = shown ? shown(state[key]) : state[key];
        output.textContent = say(state);
        input.setAttribute("aria-valuetext", say(state));
      }
    }

    const moveTo = (a, b) => {
      const within = v => Math.round(100 * Math.min(Math.max(v, -RANGE), RANGE)) / 100;
      move(stateOf({ x: [within(a), within(b)], y: state.y, w: state.w }, state));
    };
    const under = event => {
      const seen = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.picture.getScreenCTM().inverse());
      moveTo((seen.x - LEFT - SIZE / 2) / SCALE, (TOP + SIZE / 2 - seen.y) / SCALE);
    };
    plane.handle.addEventListener("pointerdown", event => {
      plane.handle.setPointerCapture(event.pointerId);
      home.dataset.held = "";
    });
    plane.handle.addEventListener("pointermove", event => { if ("held" in home.dataset) under(event); });
    for (const done of ["pointerup", "pointercancel"]) plane.handle.addEventListener(done, () => delete home.dataset.held);
    plane.picture.querySelector(".frame").addEventListener("click", under);
    plane.handle.addEventListener("keydown", event => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!by) return;
      event.preventDefault();
      const [a, b] = pointOf(state).x, size = event.shiftKey ? 0.01 : 0.1;
      moveTo(a + size * by[0], b + size * by[1]);
    });
    data.learners.forEach((of, i) => {
      const button = add(choice, "button", `c${i}`, of.name);
      button.type = "button";
      button.setAttribute("aria-label", `perfect point for ${of.name}`);
      button.addEventListener("click", () => move(stateOf(of.perfect, state)));
    });
    live.hidden = false;
    home.dataset.ready = "";
    move(stateOf(data.learners[0].perfect, { angle: 0 }));
  }
  document.querySelectorAll(".ddlib-touch:not([data-ready])").forEach(start);
})();
