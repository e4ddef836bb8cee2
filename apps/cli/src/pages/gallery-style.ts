/** The style of the gallery page, after `PAGE_STYLE`. */
export const GALLERY_STYLE = `
h1 {
  margin: 0 0 0.8rem;
  font-size: 1.6rem;
  font-weight: 650;
  letter-spacing: -0.02em;
  overflow-wrap: anywhere;
}
section + section {
  margin-top: 1.25rem;
}
.empty {
  color: var(--soft);
  margin: 0;
}
.faces {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr));
  gap: 1.1rem 1rem;
  margin: 0;
  padding: 0;
  list-style: none;
}
.faces a {
  display: block;
  color: inherit;
  text-decoration: none;
  font-variant-numeric: tabular-nums;
  border-radius: 12px;
  scroll-margin-top: 2rem;
}
.faces img,
.faces .none {
  display: block;
  width: 100%;
  height: auto;
  aspect-ratio: 1;
  object-fit: cover;
  border-radius: 12px;
  background: var(--track);
  margin-bottom: 0.45rem;
  box-shadow: 0 0 0 1px var(--line);
}
.faces a:hover img,
.faces a:target img {
  box-shadow: 0 0 0 3px var(--own);
}
.faces b {
  font-weight: 600;
}
.faces b::before {
  content: "";
  display: inline-block;
  width: 0.6rem;
  height: 0.6rem;
  margin-right: 0.4rem;
  border-radius: 3px;
  background: var(--own);
}
.faces span {
  display: block;
  color: var(--soft);
  font-size: 0.83rem;
}
table {
  width: 100%;
  border-collapse: collapse;
  font-size: 0.88rem;
  font-variant-numeric: tabular-nums;
}
th {
  text-align: left;
  font-weight: 500;
  padding: 0;
  white-space: nowrap;
}
thead th {
  position: sticky;
  top: 0;
  vertical-align: bottom;
  z-index: 1;
  background: var(--card);
  color: var(--soft);
  padding: 0.35rem 0;
}
td {
  padding: 0;
}
.lane {
  width: 100%;
  padding: 0 1.25rem;
}
thead .lane {
  padding-inline: 1.25rem;
}
.total {
  text-align: right;
  color: var(--soft);
  white-space: nowrap;
}
.scale,
.lane > div {
  position: relative;
}
.scale {
  height: 1.2rem;
  font-weight: 400;
  font-size: 0.78rem;
}
.scale i {
  position: absolute;
  transform: translateX(-50%);
  font-style: normal;
  line-height: 1.2rem;
}
.scale i:first-child {
  transform: none;
}
.scale i.end {
  transform: translateX(-100%);
}
tbody tr {
  border-top: 1px solid var(--line);
  scroll-margin-top: 3rem;
}
tbody th a {
  display: flex;
  align-items: center;
  gap: 0.6rem;
  padding: 0.3rem 0;
  color: inherit;
  text-decoration: none;
}
tbody img,
tbody .none {
  width: 36px;
  height: 36px;
  border-radius: 50%;
  object-fit: cover;
  background: var(--track);
}
.lane > div {
  height: 36px;
}
tbody .lane > div > i {
  position: absolute;
  inset-block: -5px;
  width: 1px;
  background: var(--line);
}
.lane s {
  position: absolute;
  top: 10px;
  height: 16px;
  min-width: 3px;
  border-radius: 4px;
  background: var(--own);
  box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--ink) 22%, transparent);
}
tbody tr:target {
  background: color-mix(in srgb, var(--own) 14%, transparent);
}
.crowd th,
.crowd .total {
  color: var(--soft);
}
.crowd svg {
  display: block;
  width: 100%;
  height: 44px;
  margin: 6px 0;
}
.crowd path {
  fill: var(--accent);
  opacity: 0.28;
}
.hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}
@media (width < 640px) {
  .faces {
    grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr));
  }
  .lane,
  thead .lane {
    padding-inline: 0.6rem;
  }
}
@media print {
  thead th {
    position: static;
  }
  .card {
    break-inside: auto;
  }
}
`;
