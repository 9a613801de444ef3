import type { Tenon } from '../tenon.ts';

/** `/`: one plain page without scripts. It tells where things are, and nothing about what is in the catalog. */
export function startPage(tenon: Tenon, version: string): string {
  const database = tenon.config.databaseUrl === undefined ? 'embedded Postgres' : 'Postgres by URL';
  const kinds = tenon.crawlers.map(({ kind }) => kind).join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tenon</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fff }
h1 { margin-bottom: 0 } dt { font-weight: 600; margin-top: 1rem } dd { margin: 0 } code { background: #f2f2f2; padding: 0 .3em }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } code { background: #333 } a { color: #8ab4ff } }
</style>
</head>
<body>
<h1>Tenon ${escapeHtml(version)}</h1>
<p>A data catalog that crawls, versions, guards and searches tables, and runs the jobs that use them.</p>
<dl>
<dt>API</dt><dd>GraphQL: <code>POST <a href="/graphql">/graphql</a></code> with <code>Authorization: Bearer &lt;token&gt;</code></dd>
<dt>Health</dt><dd><a href="/healthz">/healthz</a> the process lives · <a href="/readyz">/readyz</a> its database answers · <a href="/metrics">/metrics</a> for Prometheus</dd>
<dt>Runs on</dt><dd>${escapeHtml(database)}; crawlers: ${escapeHtml(kinds)}</dd>
<dt>Documents</dt><dd><code>README.md</code>, <code>docs/architecture.md</code> and <code>docs/errors.md</code> in the package; <code>tenon --help</code></dd>
</dl>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
