// GraphiQL from our own origin: no script, font or worker is fetched from anywhere else.

// Must be the first import: it tells Monaco where its workers are before an editor asks for one.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import firstDocument from './first-document.graphql?raw';

const place = document.getElementById('graphiql');
if (place === null) {
  throw new Error('the page has no element with the id graphiql');
}

// Relative, so that it also works below a stage prefix such as /prod/graphiql/.
const fetcher = createGraphiQLFetcher({ url: new URL('../graphql', window.location.href).href });

createRoot(place).render(<GraphiQL fetcher={fetcher} defaultQuery={firstDocument} defaultEditorToolsVisibility />);
