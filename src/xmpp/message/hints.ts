import { xml } from "../stream/xml.ts";

/** XEP-0334 §4.4: archives keep what has no body only if it asks for it. */
export const store = () => xml("store", { xmlns: "urn:xmpp:hints" });
