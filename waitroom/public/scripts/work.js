// The work that a wake costs, for the waiting page: keys are derived until the one is found, by as
// many workers as there are processors. altcha's worker does it, see ../vendor.

// Returns altcha's payload, or undefined where it can't be done.
export const solve = async work => {
  const workers = [...Array(Math.min(4, navigator.hardwareConcurrency || 1))].map(
    () => new Worker("/.waitroom/worker.js"),
  );
  try {
    const solution = await Promise.race(workers.map((worker, i) => new Promise((done, fail) => {
      worker.onmessage = ({ data }) => data?.derivedKey ? done(data) : fail();
      worker.onerror = fail;
      worker.postMessage({ type: "work", challenge: work, counterStart: i, counterStep: workers.length });
    })));
    return btoa(JSON.stringify({ challenge: work, solution }));
  } catch {
    return undefined;
  } finally {
    workers.forEach(worker => worker.terminate());
  }
};
