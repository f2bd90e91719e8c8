/**
 * True in the long form of the tests, with more messages, people and kills, and with each server. script/soak sets
 * TRIVIUM_SOAK for it; script/test takes each path once.
 */
export const soak = (process.env.TRIVIUM_SOAK ?? "short") !== "short";
