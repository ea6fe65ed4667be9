// A force layout on a canvas, the same for the same data: start on a spiral, repel within cells,
// pull along edges. Our own because the kept libraries weigh 400 KB and bring a build; this does
// 2,000 nodes in about two seconds and stays responsive meanwhile.
"use strict";
(() => {
  const box = document.querySelector(".graph");
  const data = JSON.parse(document.querySelector(".graph-data").textContent);
  const canvas = box.querySelector("canvas");
  const label = box.querySelector(".graph-name");
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colours = { investment: "#c98a1b" };
  for (const kind of ["gambling", "other_scam", "benign", "unknown", "identifier"]) {
    colours[kind] = style.getPropertyValue(`--${kind}`).trim();
  }
  const nodes = data.nodes.map((node, i) => ({
    ...node,
    x: 18 * Math.sqrt(i + 0.5) * Math.cos(i * 2.399963),
    y: 18 * Math.sqrt(i + 0.5) * Math.sin(i * 2.399963),
    vx: 0,
    vy: 0,
    radius: node.kind === "identifier" ? 3 + 2 * Math.min(4, node.weight || 0) : 3 + 4 * (node.weight || 0),
    degree: 0,
  }));
  const edges = data.edges.map(([a, b]) => [nodes[a], nodes[b]]);
  for (const [a, b] of edges) { a.degree += 1; b.degree += 1; }
  // Those whose names matter most are the first to get room for them.
  const named = [...nodes].sort((a, b) => b.degree - a.degree);
  const REACH = 90;
  const TICKS = 300;
  let tick = 0;
  const view = { x: 0, y: 0, scale: 1, fixed: false };
  let hovered = null;

  function step() {
    const heat = 1 - tick / TICKS;
    const cells = new Map();
    for (const node of nodes) {
      const key = `${Math.floor(node.x / REACH)},${Math.floor(node.y / REACH)}`;
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(node);
    }
    for (const [key, own] of cells) {
      const [cx, cy] = key.split(",").map(Number);
      for (let dx = -1; dx <= 1; dx += 1) {
        for (let dy = -1; dy <= 1; dy += 1) {
          const near = cells.get(`${cx + dx},${cy + dy}`);
          if (near) for (const a of own) for (const b of near) repel(a, b, heat);
        }
      }
    }
    for (const [a, b] of edges) {
      const x = b.x - a.x;
      const y = b.y - a.y;
      const far = Math.hypot(x, y) || 1;
      const pull = (0.12 * heat * (far - 42)) / far;
      const share = a.degree / (a.degree + b.degree);
      a.vx += x * pull * (1 - share);
      a.vy += y * pull * (1 - share);
      b.vx -= x * pull * share;
      b.vy -= y * pull * share;
    }
    for (const node of nodes) {
      node.vx = (node.vx - node.x * 0.006 * heat) * 0.6;
      node.vy = (node.vy - node.y * 0.006 * heat) * 0.6;
      const fast = Math.hypot(node.vx, node.vy);
      const most = fast > 30 ? 30 / fast : 1;
      node.x += node.vx * most;
      node.y += node.vy * most;
    }
    tick += 1;
  }

  function repel(a, b, heat) {
    if (a === b) return;
    const x = a.x - b.x;
    const y = a.y - b.y;
    const square = x * x + y * y + 0.5;
    if (square > REACH * REACH) return;
    const push = (220 * heat) / square;
    a.vx += x * push * 0.5;
    a.vy += y * push * 0.5;
  }

  function fit() {
    if (view.fixed || !nodes.length) return;
    const xs = nodes.map((node) => node.x);
    const ys = nodes.map((node) => node.y);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    view.scale = Math.min(2.5, canvas.width / (right - left + 60), canvas.height / (bottom - top + 60));
    view.x = (left + right) / 2;
    view.y = (top + bottom) / 2;
  }

  function draw() {
    fit();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(view.scale, 0, 0, view.scale,
      canvas.width / 2 - view.x * view.scale, canvas.height / 2 - view.y * view.scale);
    pen.lineWidth = 1 / view.scale;
    pen.strokeStyle = "#aeb7bd";
    pen.beginPath();
    for (const [a, b] of edges) { pen.moveTo(a.x, a.y); pen.lineTo(b.x, b.y); }
    pen.stroke();
    if (hovered) {
      pen.lineWidth = 2 / view.scale;
      pen.strokeStyle = "#16202b";
      pen.beginPath();
      for (const [a, b] of edges) if (a === hovered || b === hovered) { pen.moveTo(a.x, a.y); pen.lineTo(b.x, b.y); }
      pen.stroke();
    }
    for (const node of nodes) {
      pen.fillStyle = colours[node.kind] || colours.unknown;
      pen.beginPath();
      if (node.kind === "identifier") pen.rect(node.x - node.radius, node.y - node.radius, 2 * node.radius, 2 * node.radius);
      else pen.arc(node.x, node.y, node.radius, 0, 7);
      pen.fill();
    }
    pen.fillStyle = "#16202b";
    pen.font = `${12 / view.scale * devicePixelRatio}px system-ui, sans-serif`;
    const taken = [];
    for (const node of named) {
      if (node === hovered || (node.kind === "identifier" && (nodes.length < 90 || node.degree > 12))) {
        const name = node === hovered ? shown(node).slice(0, 60) : shown(node).slice(0, 22);
        const left = node.x + node.radius + 3;
        const [wide, tall] = [pen.measureText(name).width, (14 * devicePixelRatio) / view.scale];
        const clear = taken.every(([x, y, w]) => left > x + w || left + wide < x || Math.abs(node.y - y) > tall);
        if (!clear && node !== hovered) continue;
        taken.push([left, node.y, wide]);
        pen.lineWidth = 4 / view.scale;
        pen.strokeStyle = "#fff";
        pen.strokeText(name, left, node.y + 4);
        pen.fillText(name, left, node.y + 4);
      }
    }
  }

  const shown = (node) => node.name.replaceAll(".", "[.]").replace(/\p{C}/gu, "");

  function run() {
    const until = performance.now() + 12;
    while (tick < TICKS && performance.now() < until) step();
    draw();
    if (tick < TICKS) requestAnimationFrame(run);
    else box.dataset.settled = "yes";
  }

  function place(event) {
    const frame = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - frame.left) * devicePixelRatio - canvas.width / 2) / view.scale + view.x,
      y: ((event.clientY - frame.top) * devicePixelRatio - canvas.height / 2) / view.scale + view.y,
    };
  }

  function under(event) {
    const at = place(event);
    let best = null;
    let least = 12 / view.scale * devicePixelRatio;
    for (const node of nodes) {
      const far = Math.hypot(node.x - at.x, node.y - at.y) - node.radius;
      if (far < least) { least = far; best = node; }
    }
    return best;
  }

  function choose(node) {
    hovered = node;
    if (node) label.textContent = `${shown(node)} (${node.degree})`;
    draw();
  }

  function zoom(factor) {
    view.fixed = true;
    view.scale = Math.max(0.05, Math.min(8, view.scale * factor));
    draw();
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) { choose(under(event)); return; }
    const dx = event.clientX - held.x;
    const dy = event.clientY - held.y;
    held.moved = held.moved || Math.hypot(dx, dy) > 4;
    if (!held.moved) return;
    view.fixed = true;
    view.x -= (dx * devicePixelRatio) / view.scale;
    view.y -= (dy * devicePixelRatio) / view.scale;
    held.x = event.clientX;
    held.y = event.clientY;
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const node = held && !held.moved ? under(event) : null;
    held = null;
    if (node && node === hovered && node.kind !== "identifier") open(node);
    else choose(node || hovered);
  });
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.15 : 0.87); }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const order = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (order && nodes.length) choose(nodes[(nodes.indexOf(hovered) + order + nodes.length) % nodes.length]);
    else if (event.key === "+") zoom(1.15);
    else if (event.key === "-") zoom(0.87);
    else if (event.key === "Enter" && hovered && hovered.kind !== "identifier") open(hovered);
    else return;
    event.preventDefault();
  });

  function open(node) { location.href = box.dataset.site + encodeURIComponent(node.name); }

  function size() {
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    draw();
  }
  window.addEventListener("resize", size);
  size();
  requestAnimationFrame(run);
})();
