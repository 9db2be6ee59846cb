// `npm start -- ARGS`: accsim ARGS from a fresh clone.
import { build, install } from './bootstrap.mjs';

install();
build();
await import('../dist/main.js');
