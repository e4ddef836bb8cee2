/** The style shared by the pages; follows the system's light or dark color scheme. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f7f7f5;
  --card: #fff;
  --ink: #1c1f1e;
  --soft: #565d5a;
  --line: #dcdedb;
  --accent: #0f766e;
  --track: #ecedea;
  font:
    16px/1.5 system-ui,
    -apple-system,
    "Segoe UI",
    Roboto,
    sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #111413;
    --card: #191d1c;
    --ink: #edf0ee;
    --soft: #a3aca8;
    --line: #2c3230;
    --accent: #4fd1c0;
    --track: #232927;
  }
}
* {
  box-sizing: border-box;
}
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
}
[hidden] {
  display: none !important;
}
:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}
.top {
  display: flex;
  align-items: center;
  gap: 1.25rem;
  max-width: 1240px;
  margin: 0 auto;
  padding: 1.4rem 1.5rem 1rem;
}
.brand {
  display: flex;
  align-items: center;
  gap: 0.55rem;
  margin: 0;
  font-size: 1.25rem;
  font-weight: 650;
  letter-spacing: -0.01em;
}
.brand svg {
  width: 1.6rem;
  height: 1.6rem;
  color: var(--accent);
  fill: none;
  stroke: currentColor;
  stroke-width: 1.8;
  stroke-linecap: round;
  stroke-linejoin: round;
}
.brand circle {
  fill: currentColor;
  stroke: none;
}
.about {
  flex: 1;
  margin: 0;
  color: var(--soft);
  min-width: 0;
  overflow-wrap: anywhere;
}
main {
  max-width: 1240px;
  margin: 0 auto;
  padding: 0 1.5rem 2.5rem;
}
.card {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 14px;
  padding: 1rem 1.25rem 1.25rem;
  min-width: 0;
}
.card h2 {
  margin: 0 0 0.8rem;
  font-size: 0.8rem;
  font-weight: 600;
  letter-spacing: 0.02em;
  color: var(--soft);
}
.figures {
  display: flex;
  flex-wrap: wrap;
  gap: 0.5rem 2.75rem;
  margin: 0 0 1.1rem;
}
.figures dt {
  font-size: 0.78rem;
  color: var(--soft);
}
.figures dd {
  margin: 0;
  font-size: 1.35rem;
  font-weight: 600;
  font-variant-numeric: tabular-nums;
  letter-spacing: -0.01em;
}
@media (width < 640px) {
  .top,
  main {
    padding-inline: 1rem;
  }
  .top {
    flex-wrap: wrap;
    gap: 0.3rem 1rem;
  }
  .about {
    flex-basis: 100%;
  }
}
`;

/** Logo and name at the top of a page. */
export const BRAND =
  '<svg viewBox="0 0 24 24" aria-hidden="true">' +
  '<path d="M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3"/>' +
  '<circle cx="9.2" cy="10" r="1"/><circle cx="14.8" cy="10" r="1"/>' +
  '<path d="M8.8 14.6c1.8 1.7 4.6 1.7 6.4 0"/></svg>FaceDet';

/** Escapes a text for HTML, including attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** `0:07.5`, `1:02:03`: tenths where `precise`. */
export function clock(seconds: number, precise = false): string {
  const tenths = precise ? Math.round(seconds * 10) : Math.round(seconds) * 10;
  const [h, m, s] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, Math.floor(tenths / 10) % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return `${h > 0 ? `${h}:${two(m)}` : m}:${two(s)}${precise ? `.${tenths % 10}` : ''}`;
}
