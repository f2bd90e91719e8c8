import { resolve } from "node:path";
import type { Ports } from "./ports.ts";
import { bedFolder, rootFolder } from "./process.ts";

export const serverNames = ["synapse", "prosody", "ejabberd", "mosquitto"] as const;
/** Servers of a second organisation, which federate with the first Synapse and the first Prosody. */
export const remoteServerNames = ["synapse2", "prosody2"] as const;
export type ServerName = (typeof serverNames)[number] | (typeof remoteServerNames)[number];
export type HomeserverName = "synapse" | "synapse2";
/** A server that the bridge can be a component of. */
export type XmppServerName = "prosody" | "ejabberd";
export type AnyXmppServerName = XmppServerName | "prosody2";

export const domains = {
	synapse: "hs.test",
	synapse2: "hs2.test",
	prosody: "xmpp.test",
	prosody2: "xmpp2.test",
	ejabberd: "ej.test",
} as const;

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
export type Layout = {
	folder: string;
	ports: Ports;
	options: ServerOptions;
	/** Loopback addresses of the two organisations; absent, no server federates. */
	organisations?: readonly [string, string];
};

export const sharedSecret = "testbed-shared-secret";
export const componentSecret = "bridge-secret";
export const caFile = resolve(rootFolder, "srv/certs/ca.crt");
export const runFolder = resolve(bedFolder, "run");

/** Returns the loopback address where a server federates: on port 443 a homeserver, on port 5269 an XMPP server. */
export function federationAddress({ organisations }: Layout, name: ServerName): string | undefined {
	return organisations?.[name.endsWith("2") ? 1 : 0];
}

/** Returns /etc/hosts as the servers see it, which is the only DNS they have: `test.` is a reserved domain. */
export function hostsFile([first, second]: readonly [string, string]): string {
	const names = (server: AnyXmppServerName) => Object.values(xmppDomains(server)).join(" ");
	return `127.0.0.1 localhost
${first} ${domains.synapse} ${names("prosody")}
${second} ${domains.synapse2} ${names("prosody2")}
`;
}

function xmppDomains(server: AnyXmppServerName) {
	const domain = domains[server];
	return { domain, muc: `muc.${domain}`, upload: `upload.${domain}`, component: `bridge.${domain}` };
}

export function xmppAddresses(ports: Ports, server: AnyXmppServerName): XmppAddresses {
	return {
		...xmppDomains(server),
		secret: componentSecret,
		componentService: `xmpp://127.0.0.1:${ports[`${server}Component`]}`,
		c2s: `xmpp://127.0.0.1:${ports[`${server}C2s`]}`,
		c2sDirect: `xmpps://127.0.0.1:${ports[`${server}C2sDirect`]}`,
		http: `http://127.0.0.1:${ports[`${server}Http`]}`,
	};
}
