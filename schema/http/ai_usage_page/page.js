// Asks /graphql for the usage of language models and draws it. Text from the answer is only ever set as text.
"use strict";

const HOUR = 3600e3;
const PERIODS = {
  day: { by: "HOUR", step: HOUR, count: 24 },
  week: { by: "HOUR", step: HOUR, count: 168 },
  month: { by: "DAY", step: 24 * HOUR, count: 30 },
};
const TOTALS = `key calls inputTokens outputTokens cacheReadTokens cacheWriteTokens usd secondsP50 secondsP95
  tokensPerSecond failures gateRejections cacheHits cacheMisses cacheGuardRefusals cacheStale
  cacheAgreements cacheDifferences answers`;
const DOCUMENT = `query AiUsagePage($range: AiUsageRangeInput!, $by: AiUsageGroup!) {
  time: aiUsage(range: $range, groupBy: $by) {
    rows { ${TOTALS} } totals { ${TOTALS} }
    budgets { team limitUsd spentUsd reservedUsd leftUsd } alerts { kind message }
  }
  models: aiUsage(range: $range, groupBy: MODEL) { rows { ${TOTALS} } }
}`;
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 200, 64, 8, 12, 24];

const report = document.getElementById("report");
const problem = document.getElementById("problem");
const access = document.getElementById("access");
// Only in memory: a reload asks for it again.
let token = "";
// In the address, so that it can be linked: /ai-usage/#week.
let period = Object.hasOwn(PERIODS, location.hash.slice(1)) ? location.hash.slice(1) : "month";
let request = 0;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
const dollars = (value) => "$" + value.toLocaleString("en", {
  minimumFractionDigits: 2, maximumFractionDigits: value !== 0 && Math.abs(value) < 1 ? 4 : 2,
});
const seconds = (value) => (value === null ? "–" : value.toFixed(1) + " s");
const share = (value) => (value === null ? "–" : Math.round(100 * value) + "%");
const tokens = (row) => row.inputTokens + row.cacheReadTokens + row.cacheWriteTokens;
const lookups = (row) => row.cacheHits + row.cacheMisses + row.cacheGuardRefusals + row.cacheStale;
const hitRate = (row) => (lookups(row) ? row.cacheHits / lookups(row) : null);

// Every hour or day of the period, those without calls too.
function slots(rows, { by, step, count }, end) {
  const known = new Map(rows.map((row) => [row.key, row]));
  return Array.from({ length: count }, (_, nth) => {
    const time = new Date(Math.floor((end - 1) / step) * step - (count - 1 - nth) * step).toISOString();
    const key = by === "HOUR" ? time.slice(0, 13) + ":00Z" : time.slice(0, 10);
    return { key, row: known.get(key) ?? null };
  });
}

// A round number that is not below the value.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * [1, 2, 2.5, 5, 10].find((each) => each * power >= value * (1 - 1e-9));
}

function label(key, by) {
  return by === "HOUR" ? key.slice(5, 10) + " " + key.slice(11, 16) : key.slice(5, 10);
}

// The frame of a chart with three lines and at most eight dates, and a place for each slot.
function chart(title, found, by, top, write, draw) {
  const wide = (WIDTH - LEFT - RIGHT) / found.length;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title });
  for (const value of [0, top / 2, top]) {
    svg.append(
      shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, write(value)),
    );
  }
  const every = Math.ceil(found.length / 8);
  found.forEach(({ key }, nth) => {
    if (nth % every === 0)
      svg.append(shape("text", { x: LEFT + (nth + 0.5) * wide, y: HEIGHT - 6, "text-anchor": "middle" }, label(key, by)));
  });
  draw(svg, (nth) => LEFT + nth * wide, wide, y);
  return svg;
}

function tooltip(svg, text, x, wide, ...marks) {
  const box = { class: "hit", x, y: TOP, width: wide, height: HEIGHT - TOP - BOTTOM };
  svg.append(shape("g", { class: "slot" }, shape("title", {}, text), shape("rect", box), ...marks));
}

function spendChart(found, by) {
  const top = ceiling(Math.max(...found.map(({ row }) => row?.usd ?? 0)) || 0.01);
  return chart("Spend over time in US dollars", found, by, top, dollars, (svg, x, wide, y) => {
    found.forEach(({ key, row }, nth) => {
      const usd = row?.usd ?? 0;
      const gap = Math.min(wide * 0.2, 4);
      const bar = { class: "bar", x: x(nth) + gap / 2, y: y(usd), width: wide - gap, height: y(0) - y(usd) };
      tooltip(svg, `${label(key, by)}: ${dollars(usd)}, ${number(row?.calls ?? 0)} calls`, x(nth), wide, shape("rect", bar));
    });
  });
}

function hitRateChart(found, by) {
  return chart("Hit rate of the semantic cache over time", found, by, 1, share, (svg, x, wide, y) => {
    let path = "";
    let pen = "M";
    const points = [];
    found.forEach(({ key, row }, nth) => {
      const rate = row && hitRate(row);
      if (rate === null) {
        // No look-up is no rate: the curve has a gap.
        pen = "M";
        return;
      }
      const [cx, cy] = [x(nth) + wide / 2, y(rate)];
      path += `${pen}${cx.toFixed(1)} ${cy.toFixed(1)}`;
      pen = "L";
      points.push([`${label(key, by)}: ${share(rate)} of ${number(lookups(row))} look-ups`, nth, { cx, cy }]);
    });
    svg.append(shape("path", { class: "curve", d: path }));
    for (const [text, nth, place] of points)
      tooltip(svg, text, x(nth), wide, shape("circle", { class: "point", r: found.length > 60 ? 1.5 : 3, ...place }));
  });
}

function table(columns, rows) {
  const head = element("tr", {}, ...columns.map(([name]) => element("th", { scope: "col" }, name)));
  const cells = (row) => columns.map(([, write]) => element("td", {}, write(row)));
  const body = rows.map((row) => element("tr", {}, ...cells(row)));
  return element("div", { class: "scroll" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

const MEASURES = [
  ["Calls", (row) => number(row.calls)],
  ["Cost", (row) => dollars(row.usd)],
  ["Tokens in", (row) => number(tokens(row))],
  ["Tokens out", (row) => number(row.outputTokens)],
  ["p50", (row) => seconds(row.secondsP50)],
  ["p95", (row) => seconds(row.secondsP95)],
  ["Tokens/s", (row) => (row.tokensPerSecond === null ? "–" : number(row.tokensPerSecond))],
  ["Failures", (row) => number(row.failures)],
  ["Rejected sentences", (row) => number(row.gateRejections)],
];
const LOOKUPS = [
  ["Hits", (row) => number(row.cacheHits)],
  ["Misses", (row) => number(row.cacheMisses)],
  ["Guard refusals", (row) => number(row.cacheGuardRefusals)],
  ["Stale", (row) => number(row.cacheStale)],
  ["Agree with a new answer", (row) => number(row.cacheAgreements)],
  ["Differ from it", (row) => number(row.cacheDifferences)],
  ["Answers", (row) => number(row.answers)],
];

function section(title, ...children) {
  return element("section", {}, element("h2", {}, title), ...children);
}

function alertSection(alerts) {
  const items = alerts.map(({ message }) => element("li", {}, message));
  return element("section", { class: "alert", role: "status" }, element("h2", {}, "Unusual now"), element("ul", {}, ...items));
}

function figures(totals) {
  const pairs = [
    ["Cost", dollars(totals.usd)],
    ["Calls of models", number(totals.calls)],
    ["Answered questions", number(totals.answers)],
    ["Cost an answer", totals.answers ? dollars(totals.usd / totals.answers) : "–"],
    ["Hit rate", share(hitRate(totals))],
    ["Failed calls", share(totals.calls ? totals.failures / totals.calls : null)],
  ];
  return element("dl", { class: "figures" },
    ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function budgetTable(budgets) {
  const used = ({ spentUsd, reservedUsd, limitUsd }) => {
    const bar = element("meter", { min: 0, max: limitUsd, high: 0.8 * limitUsd, optimum: 0, value: spentUsd + reservedUsd });
    bar.textContent = share(limitUsd ? (spentUsd + reservedUsd) / limitUsd : null);
    return bar;
  };
  return table([
    ["Team", ({ team }) => team || "(no team)"],
    ["Spent", (row) => dollars(row.spentUsd)],
    ["Reserved", (row) => dollars(row.reservedUsd)],
    ["Left", (row) => dollars(row.leftUsd)],
    ["Used", used],
  ], budgets);
}

function emptySection() {
  return section("No calls in this period",
    element("p", {}, "No language model was called and no answer was looked up, so there is no cost to show."),
    element("p", { class: "quiet" },
      "Answers are copied from documents unless the service runs with ", element("code", {}, "LANGUAGE=bedrock"),
      ". Set it, ask a question, for example with ", element("code", {}, 'stackflow ask "How do I fail over Redis?"'),
      ", and reload this page. Or choose a longer period."));
}

function show({ time, models }, chosen, end) {
  const found = slots(time.rows, chosen, end);
  const parts = [];
  if (time.alerts?.length) parts.push(alertSection(time.alerts));
  if (!time.rows.length) {
    parts.push(emptySection());
  } else {
    const zone = chosen.by === "HOUR" ? "by hour, UTC" : "by day, UTC";
    const rate = hitRate(time.totals) === null
      ? element("p", { class: "quiet" }, "Nothing was looked up in the semantic cache in this period.")
      : hitRateChart(found, chosen.by);
    const rows = time.rows.slice().reverse();
    parts.push(
      element("section", {}, figures(time.totals)),
      section(`Spend, ${zone}`, spendChart(found, chosen.by)),
      section(`Hit rate of the semantic cache, ${zone}`, rate),
      section("Models", table([["Model", ({ key }) => key], ...MEASURES], models.rows.filter(({ key }) => key))),
    );
    if (time.budgets?.length) parts.push(section("Budgets of today (UTC)", budgetTable(time.budgets)));
    const name = chosen.by === "HOUR" ? "Hour" : "Day";
    const all = table([[name, ({ key }) => key], ...MEASURES, ...LOOKUPS], rows);
    parts.push(element("section", {}, element("details", {}, element("summary", {}, `Table ${zone}`), all)));
  }
  report.replaceChildren(...parts);
}

function fail(message) {
  problem.textContent = message;
  problem.hidden = false;
  report.replaceChildren();
}

async function ask(range, by) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const body = JSON.stringify({ query: DOCUMENT, variables: { range, by } });
  const response = await fetch("../graphql", { method: "POST", headers, body });
  const answer = await response.json();
  const error = answer.errors?.[0];
  if (error) {
    access.hidden &&= !["UNAUTHENTICATED", "FORBIDDEN"].includes(error.extensions?.code);
    throw new Error(error.message);
  }
  return answer.data;
}

async function load() {
  const mine = ++request;
  const chosen = PERIODS[period];
  const end = Date.now();
  const start = Math.floor((end - 1) / chosen.step) * chosen.step - (chosen.count - 1) * chosen.step;
  for (const button of document.querySelectorAll("[data-period]"))
    button.setAttribute("aria-pressed", String(button.dataset.period === period));
  try {
    const range = { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
    const data = await ask(range, chosen.by);
    // A slower answer to an earlier choice comes too late.
    if (mine !== request) return;
    problem.hidden = true;
    show(data, chosen, end);
  } catch (error) {
    if (mine === request) fail(`The usage cannot be shown: ${error.message}`);
  }
}

for (const button of document.querySelectorAll("[data-period]"))
  button.addEventListener("click", () => {
    period = button.dataset.period;
    history.replaceState(null, "", `#${period}`);
    load();
  });
access.addEventListener("submit", (event) => {
  event.preventDefault();
  token = document.getElementById("token").value.trim();
  load();
});
load();
