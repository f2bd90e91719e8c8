import { resolve } from "node:path";
import type { Ports } from "./ports.ts";
import { bedFolder, rootFolder } from "./process.ts";

export const serverNames = ["synapse", "prosody", "ejabberd", "mosquitto"] as const;
export type ServerName = (typeof serverNames)[number];
export type XmppServerName = "prosody" | "ejabberd";

/** What a test, or the bridge, has to know of an XMPP server. */
export type XmppAddresses = {
	domain: string;
	muc: string;
	upload: string;
	/** The domain the server keeps for the bridge, and its secret. */
	component: string;
	secret: string;
	componentService: string;
	/** Client port with STARTTLS; the certificate names `domain`. */
	c2s: string;
	c2sDirect: string;
	http: string;
};

/** How the servers of a testbed differ from what an admin gets by default. */
export type ServerOptions = {
	/** Registrations Synapse loads, as YAML. The bridge's `register` writes one; else see registration.ts. */
	registrations: readonly string[];
	prosody: {
		/** Prosody's default refuses the new connection while the old one still looks alive. */
		conflict?: "kick_new" | "kick_old";
		componentStanzaLimit?: number;
		c2sStanzaLimit?: number;
		/** Lines put before the hosts in prosody.cfg.lua. */
		extra?: string;
	};
	ejabberd: { c2sStanzaLimit?: number; componentStanzaLimit?: number };
	/** Lines put before the listeners in mosquitto.conf. */
	mosquitto: { extra?: string };
};

/** Everything the configuration of one testbed is made from. */
export type Layout = { folder: string; ports: Ports; options: ServerOptions };

export const sharedSecret = "testbed-shared-secret";
export const componentSecret = "bridge-secret";
export const caFile = resolve(rootFolder, "srv/certs/ca.crt");
export const runFolder = resolve(bedFolder, "run");

export function xmppAddresses(ports: Ports, server: XmppServerName): XmppAddresses {
	const domain = server === "prosody" ? "xmpp.test" : "ej.test";
	return {
		domain,
		muc: `muc.${domain}`,
		upload: `upload.${domain}`,
		component: `bridge.${domain}`,
		secret: componentSecret,
		componentService: `xmpp://127.0.0.1:${ports[`${server}Component`]}`,
		c2s: `xmpp://127.0.0.1:${ports[`${server}C2s`]}`,
		c2sDirect: `xmpps://127.0.0.1:${ports[`${server}C2sDirect`]}`,
		http: `http://127.0.0.1:${ports[`${server}Http`]}`,
	};
}
