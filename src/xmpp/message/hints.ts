import { xml } from "../stream/xml.ts";

/** Returns the hint `store` (XEP-0334 §4.4): without it an archive drops a message that has no body. */
export const store = () => xml("store", { xmlns: "urn:xmpp:hints" });
