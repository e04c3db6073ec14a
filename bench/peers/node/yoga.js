// GraphQL Yoga with graphql-jit on Node's own HTTP server, and DataLoader.
import { createServer } from 'node:http';
import { useGraphQlJit } from '@envelop/graphql-jit';
import DataLoader from 'dataloader';
import { GraphQLScalarType } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { dependents, fetchGroups, incidentKey, itemKey, queries, sdl } from './database.js';

// The loaders of one request: one for each statement and its arguments.
class Loaders {
  #known = new Map();

  load(name, key, values, database = 'main') {
    const known = `${name}:${JSON.stringify(values)}`;
    let loader = this.#known.get(known);
    if (loader === undefined) {
      loader = new DataLoader((keys) => fetchGroups(name, keys, values, database));
      this.#known.set(known, loader);
    }
    return loader.load(key);
  }
}

const nodes = async (rows) => ({ nodes: await rows });
const team = (column) => async (from, _, { loaders }) =>
  from[column] === null ? null : ((await loaders.load('teams', from[column], []))[0] ?? null);

const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (value) => value.toISOString() }),
  JSON: new GraphQLScalarType({ name: 'JSON', serialize: (value) => value }),
  Query: queries,
  ConfigurationItem: {
    owner: team('_owner'),
    dependents: async (item, { depth, first }, { loaders }) =>
      dependents(await loaders.load('dependents_by_items', itemKey(item), [depth, first]), first),
    incidents: (item, { first, filter }, { loaders }) =>
      nodes(loaders.load('incidents_by_items', itemKey(item), [first, filter?.state.in ?? null])),
    changes: (item, { first, filter }, { loaders }) =>
      nodes(loaders.load('changes_by_items', itemKey(item), [first, filter?.state.in ?? null])),
    requirements: (item, { first }, { loaders }) =>
      nodes(loaders.load('requirements_by_items', itemKey(item), [first], 'requirements')),
  },
  Incident: {
    team: team('_team'),
    configurationItems: (incident, { first }, { loaders }) =>
      nodes(loaders.load('items_by_incidents', incidentKey(incident), [first])),
  },
};

const yoga = createYoga({
  schema: createSchema({ typeDefs: sdl, resolvers }),
  context: () => ({ loaders: new Loaders() }),
  plugins: [useGraphQlJit()],
  graphiql: false,
  landingPage: false,
  logging: 'error',
});
createServer(yoga).listen(Number(process.argv[2]), '127.0.0.1');
