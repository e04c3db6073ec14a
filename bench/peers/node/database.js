// What the Node peers share: pools, named statements that are prepared once a connection, and batches grouped by key.
import { readFileSync } from 'node:fs';
import pg from 'pg';

const text = readFileSync(new URL('../sql/graphql.sql', import.meta.url), 'utf8');
const STATEMENTS = new Map(
  text
    .split('-- name: ')
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]),
);

const pool = (name, size) =>
  new pg.Pool({
    connectionString: process.env[`BENCH_${name}_URL`],
    min: size,
    max: size,
    idleTimeoutMillis: 0,
    options: '-c timezone=UTC',
  });
const POOLS = { main: pool('MAIN', 8), requirements: pool('REQUIREMENTS', 4) };

export const sdl = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8');

export async function fetchRows(name, values, database = 'main') {
  const { rows } = await POOLS[database].query({ name, text: STATEMENTS.get(name), values });
  return rows;
}

// The rows of each key, in the order of the keys.
export async function fetchGroups(name, keys, values, database = 'main') {
  const groups = new Map(keys.map((key) => [key, []]));
  for (const row of await fetchRows(name, [[...groups.keys()], ...values], database)) groups.get(row._key).push(row);
  return keys.map((key) => groups.get(key));
}

const cursorOf = (...values) => Buffer.from(values.join('|')).toString('base64');

export const itemKey = (item) => item.id.slice('ci_'.length);
export const incidentKey = (incident) => incident.id.slice('inc_'.length);

export function dependents(rows, first) {
  const truncated = rows.length > first;
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  return {
    truncated,
    pageInfo: { hasNextPage: truncated, endCursor: truncated ? cursorOf(last._depth, last.id) : null },
    edges: nodes.map((node) => ({ depth: node._depth, node })),
    nodes,
  };
}

// The resolvers of Query, the same for every server.
export const queries = {
  configurationItem: async (_, { id }) => (await fetchRows('item', [id.slice('ci_'.length)]))[0] ?? null,
  configurationItems: async (_, { first }) => ({ nodes: await fetchRows('items', [first]) }),
  incident: async (_, { number }) => (await fetchRows('incident', [number]))[0] ?? null,
  incidents: async (_, { first, filter }) => {
    const state = filter.state.eq;
    const [rows, [{ total }]] = await Promise.all([
      fetchRows('incidents', [state, first + 1]),
      fetchRows('incidents_count', [state]),
    ]);
    const edges = rows
      .slice(0, first)
      .map((node) => ({ cursor: cursorOf(node.openedAt.toISOString(), node.id), node }));
    return {
      totalCount: total,
      pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null },
      edges,
    };
  },
};
