// Builds our pages to dist/<page>/, each file pre-compressed beside itself, with relative addresses only.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const folder = import.meta.dirname;

// API Gateway and the embedded server send what stands on disk: compressing 2.8 MB on request would cost seconds.
function precompressed(dist: string): Plugin {
  return {
    name: 'precompressed',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|json|ttf)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const bytes = readFileSync(path);
        if (bytes.length < 1024) continue;
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        // Quality 9 is 1 % larger than 11 here and ten times faster.
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
      }
    },
  };
}

// One page a build, each whole in its own folder: `vite build --mode graphiql` makes dist/graphiql.
export default defineConfig(({ mode }) => {
  const dist = join(folder, 'dist', mode);
  return {
    root: join(folder, mode),
    base: './',
    plugins: [react(), precompressed(dist)],
    worker: { format: 'es' },
    build: {
      outDir: dist,
      emptyOutDir: true,
      chunkSizeWarningLimit: 4096,
      rollupOptions: {
        onwarn(warning, warn) {
          // GraphiQL's files carry hints for a compiler that has already run.
          if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
        },
      },
    },
  };
});
