/** Loaded before the bridge: it lives on from the moment its stores are of. What waits for a day is given up, however long ago a release was. */
const now = Date.now;
const behind = now() - Number(process.env.TRIVIUM_TEST_NOW);
Date.now = () => now() - behind;
