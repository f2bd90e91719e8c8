/**
 * True in the long form of the tests: more lines, people and kills, and each server through all of it. script/soak sets
 * TRIVIUM_SOAK for it; script/test shows each path once.
 */
export const soak = (process.env.TRIVIUM_SOAK ?? "short") !== "short";
