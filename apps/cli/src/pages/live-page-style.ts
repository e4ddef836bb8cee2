/** The style of the live page, after `PAGE_STYLE`. */
export const LIVE_STYLE = `
main {
  display: grid;
  grid-template-columns: minmax(0, 1fr) 17rem;
  gap: 1.25rem;
  align-items: start;
}
.stage {
  position: relative;
  display: grid;
  place-items: center;
  min-height: 14rem;
  overflow: hidden;
  border-radius: 14px;
  background: #0b0e0d;
}
.stage img {
  grid-area: 1 / 1;
  display: block;
  width: 100%;
  max-height: 72vh;
  object-fit: contain;
}
.state {
  position: absolute;
  inset: auto auto 1rem 1rem;
  margin: 0;
  padding: 0.4rem 0.9rem;
  border-radius: 999px;
  background: #0b0e0dcc;
  color: #edf0ee;
  font-size: 0.88rem;
}
.figures {
  margin: 0.9rem 0 0;
}
ol {
  max-height: 72vh;
  overflow: auto;
  margin: 0 -0.5rem;
  padding: 0;
  list-style: none;
  font-variant-numeric: tabular-nums;
}
li {
  display: grid;
  grid-template-columns: auto 1fr auto;
  align-items: center;
  gap: 0.1rem 0.6rem;
  padding: 0.4rem 0.5rem;
  border-radius: 8px;
}
li i {
  width: 0.7rem;
  height: 0.7rem;
  border-radius: 3px;
  background: var(--own);
}
li b {
  font-weight: 600;
}
li small {
  grid-column: 2 / -1;
  color: var(--soft);
  font-size: 0.8rem;
}
li.gone {
  opacity: 0.6;
}
li.gone i {
  background: none;
  box-shadow: inset 0 0 0 2px var(--own);
}
.none {
  color: var(--soft);
  margin: 0;
  font-size: 0.88rem;
}
@media (width < 860px) {
  main {
    grid-template-columns: minmax(0, 1fr);
  }
  ol {
    max-height: none;
  }
}
`;
