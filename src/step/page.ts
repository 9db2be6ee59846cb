import { escapeHtml } from '../report/html.ts';
import type { Setup } from './setup.ts';

/** A page of its own, with nothing to fetch: `script` is the bundle of page/main.ts. */
export function stepPage(setup: Setup, title: string, script: string): string {
  const data = JSON.stringify(setup).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<script type="application/json" id="setup">${data}</script>
<body></body>
<script>${script.replaceAll('</script', '<\\/script')}</script>
</html>
`;
}
