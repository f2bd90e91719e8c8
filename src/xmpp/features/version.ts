import software from "../../../package.json" with { type: "json" };
import { xml } from "../xml.ts";
import type { Feature } from "./feature.ts";

const ns = "jabber:iq:version";

/** XEP-0092: which software speaks here. */
export const version: Feature = {
	type: "get",
	name: "query",
	ns,
	where: ["host", "account", "session"],
	answer: () => xml("query", { xmlns: ns }, xml("name", {}, "Trivium"), xml("version", {}, software.version)),
};
