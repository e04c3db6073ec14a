// Mercurius on Fastify with its JIT, and its own batched loaders.
import Fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import { dependents, fetchGroups, incidentKey, itemKey, queries, sdl } from './database.js';

// A batch may have different arguments: one statement for each set of them.
const batched = (key, fetch) => async (asked) => {
  const sets = new Map();
  asked.forEach(({ params }, place) => {
    const set = JSON.stringify(params);
    if (!sets.has(set)) sets.set(set, { params, places: [] });
    sets.get(set).places.push(place);
  });
  const answers = new Array(asked.length);
  await Promise.all(
    [...sets.values()].map(async ({ params, places }) => {
      const found = await fetch(places.map((place) => key(asked[place].obj)), params);
      places.forEach((place, number) => (answers[place] = found[number]));
    }),
  );
  return answers;
};
const connection = (groups) => groups.map((nodes) => ({ nodes }));
const team = (column) => async (asked) => {
  const ids = [...new Set(asked.map(({ obj }) => obj[column]).filter((id) => id !== null))];
  const found = new Map(ids.length ? (await fetchGroups('teams', ids, [])).map((rows, n) => [ids[n], rows[0]]) : []);
  return asked.map(({ obj }) => found.get(obj[column]) ?? null);
};

const loaders = {
  ConfigurationItem: {
    owner: team('_owner'),
    dependents: batched(itemKey, async (keys, { depth, first }) =>
      (await fetchGroups('dependents_by_items', keys, [depth, first])).map((rows) => dependents(rows, first)),
    ),
    incidents: batched(itemKey, async (keys, { first, filter }) =>
      connection(await fetchGroups('incidents_by_items', keys, [first, filter?.state.in ?? null])),
    ),
    changes: batched(itemKey, async (keys, { first, filter }) =>
      connection(await fetchGroups('changes_by_items', keys, [first, filter?.state.in ?? null])),
    ),
    requirements: batched(itemKey, async (keys, { first }) =>
      connection(await fetchGroups('requirements_by_items', keys, [first], 'requirements')),
    ),
  },
  Incident: {
    team: team('_team'),
    configurationItems: batched(incidentKey, async (keys, { first }) =>
      connection(await fetchGroups('items_by_incidents', keys, [first])),
    ),
  },
};
const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (value) => value.toISOString() }),
  JSON: new GraphQLScalarType({ name: 'JSON', serialize: (value) => value }),
  Query: queries,
};

const app = Fastify();
app.register(mercurius, { schema: sdl, resolvers, loaders, jit: 1 });
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
