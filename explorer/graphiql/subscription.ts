// Subscriptions as the service streams them: Server-Sent Events, read by fetch, since EventSource sends no headers.
import type { FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';

// The responses to a subscription. To leave it early closes the stream at once, also in the middle of a silence.
export function subscribe(
  url: string,
  params: FetcherParams,
  headers: Record<string, string>,
): AsyncIterableIterator<ExecutionResult> {
  const left = new AbortController();
  const responses = read(url, params, headers, left.signal);
  const end: IteratorResult<ExecutionResult> = { done: true, value: undefined };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () =>
      responses.next().catch((error: unknown) => {
        if (left.signal.aborted) return end;
        throw error;
      }),
    return: () => {
      left.abort();
      return Promise.resolve(end);
    },
  };
}

async function* read(
  url: string,
  params: FetcherParams,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<ExecutionResult, undefined> {
  const reply = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(params),
    headers: { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' },
    signal,
  });
  if (!reply.ok || reply.body === null) {
    // What begins no stream is an ordinary refusal.
    yield (await reply.json()) as ExecutionResult;
    return;
  }
  let text = '';
  for await (const piece of decoded(reply.body)) {
    const blocks = (text + piece).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      if (lines.includes('event: complete')) return;
      const data = lines.find((line) => line.startsWith('data: '));
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as ExecutionResult;
    }
  }
}

// Safari iterates over no stream.
async function* decoded(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}
