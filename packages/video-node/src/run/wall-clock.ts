/** Seconds that the time of day may be ahead of the source's clock before it is taken over again. */
const DRIFT = 2;

/**
 * Gives the time of day, in ISO 8601 (UTC), of a live source's timestamps (seconds). It follows the source's clock from
 * the frame that came with the least delay, so that it rises evenly. It is never later than the moment of the call:
 * frames that waited with the sender come faster than their timestamps say, and would else be in the future. `now`
 * gives the time of day in seconds.
 */
export function createWallClock(now: () => number = () => Date.now() / 1000): (timestamp: number) => string {
  let origin = Infinity;
  return (timestamp) => {
    const latest = now() - timestamp;
    if (origin > latest || latest - origin > DRIFT) origin = latest;
    return new Date(1000 * (origin + timestamp)).toISOString();
  };
}
