// GraphiQL from our own origin: no script, font or worker is fetched from anywhere else.

// Must be the first import: it tells Monaco where its workers are before an editor asks for one.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';

import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { getOperationAST } from 'graphql';
import { createRoot } from 'react-dom/client';

import firstDocument from './first-document.graphql?raw';
import { subscribe } from './subscription';

const place = document.getElementById('graphiql');
if (place === null) {
  throw new Error('the page has no element with the id graphiql');
}

// Relative, so that it also works below a stage prefix such as /prod/graphiql/.
const url = new URL('../graphql', window.location.href).href;
const ask = createGraphiQLFetcher({ url });
const fetcher: Fetcher = (params, options) => {
  const operation = options?.documentAST && getOperationAST(options.documentAST, params.operationName);
  return operation?.operation === 'subscription'
    ? subscribe(`${url}/stream`, params, options?.headers ?? {})
    : ask(params, options);
};

createRoot(place).render(<GraphiQL fetcher={fetcher} defaultQuery={firstDocument} defaultEditorToolsVisibility />);
