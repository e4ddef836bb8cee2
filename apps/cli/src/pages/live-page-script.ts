/**
 * The script of the live page: shows the events of the server. List items are updated in place, so that a screen reader
 * or a selection keeps its position.
 */
export const LIVE_SCRIPT = `
const $ = (id) => document.getElementById(id);
const clock = (s) => {
  const t = Math.floor(s);
  const two = (n) => String(n).padStart(2, '0');
  const h = Math.floor(t / 3600);
  return (h ? h + ':' + two(Math.floor(t / 60) % 60) : Math.floor(t / 60)) + ':' + two(t % 60);
};
const rows = new Map();
let lost = false;
const state = (text) => {
  $('state').textContent = text;
  $('state').hidden = !text;
};
function row(id, color) {
  let li = rows.get(id);
  if (li) return li;
  li = document.createElement('li');
  li.style.setProperty('--own', color);
  li.append(
    document.createElement('i'),
    document.createElement('b'),
    document.createElement('span'),
    document.createElement('small'),
  );
  li.children[1].textContent = '#' + id;
  rows.set(id, li);
  return li;
}
function show({ timestamp, faces, fps, tracks, list }) {
  $('time').textContent = clock(timestamp);
  $('fps').textContent = fps;
  $('now').textContent = faces;
  $('ids').textContent = tracks;
  const shown = list
    .sort((a, b) => a.id - b.id)
    .map(({ id, color, first, last, score }) => {
      const li = row(id, color);
      const here = timestamp - last < 0.2;
      li.className = here ? '' : 'gone';
      li.children[2].textContent = here ? score.toFixed(2) : '';
      li.children[3].textContent = here ? 'since ' + clock(first) : clock(first) + ' – ' + clock(last);
      return li;
    });
  shown.sort((a, b) => (a.className ? 1 : 0) - (b.className ? 1 : 0));
  for (const [id, li] of rows)
    if (!shown.includes(li)) {
      li.remove();
      rows.delete(id);
    }
  shown.forEach((li, i) => {
    if ($('list').children[i] !== li) $('list').insertBefore(li, $('list').children[i] || null);
  });
  $('none').hidden = shown.length > 0;
}
const events = new EventSource('events');
events.addEventListener('frame', (event) => {
  state('');
  show(JSON.parse(event.data));
});
events.addEventListener('end', () => {
  state('Finished');
  events.close();
});
events.addEventListener('error', () => {
  lost = true;
  state('Connection lost');
});
events.addEventListener('open', () => {
  if (lost) $('picture').src = 'video?' + Date.now();
  lost = false;
});
`;
