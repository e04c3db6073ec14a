// PostGraphile 5 with its Amber preset: the schema comes from the tables, a query becomes one statement.
import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';

// The ends of relationships have no foreign keys: bulk loads check them as a set.
const ends = ['impact_from_id', 'impact_to_id'];
const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: { relationships: { tags: { foreignKey: ends.map((end) => `(${end}) references configuration_items (id)`) } } },
  },
});

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [tags],
  pgServices: [
    makePgService({
      connectionString: process.env.BENCH_MAIN_URL,
      schemas: ['public'],
      poolConfig: { min: 8, max: 8, options: '-c timezone=UTC' },
    }),
  ],
  grafserv: { graphiql: false, watch: false },
  grafast: { explain: false },
};
const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(process.argv[2]), '127.0.0.1');
