/** A clock that goes on from the time of the stores; it is loaded before the bridge. Rows that wait for a day are given up, however old a release is. */
const now = Date.now;
const behind = now() - Number(process.env.TRIVIUM_TEST_NOW);
Date.now = () => now() - behind;
