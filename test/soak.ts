/**
 * True in the long form of the tests, with more messages, people and kills, and with each server. script/soak sets
 * TRIVIUM_SOAK for it; script/test takes each path once.
 */
export const soak = (process.env.TRIVIUM_SOAK ?? "short") !== "short";

type Server = "prosody" | "ejabberd";
/** Returns the XMPP servers of tests whose path does not depend on the server: the given one, and both in the long form. */
export const throughOne = (one: Server): readonly Server[] => (soak ? ["prosody", "ejabberd"] : [one]);
