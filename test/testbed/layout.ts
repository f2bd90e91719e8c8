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

/** The addresses of an XMPP server, for a test or the bridge. */
export type XmppAddresses = {
	domain: string;
	muc: string;
	upload: string;
	/** The domain that the server reserves for the bridge, and its component secret. */
	component: string;
	secret: string;
	componentService: string;
	/** The client port with STARTTLS; its certificate names `domain`. */
	c2s: string;
	c2sDirect: string;
	http: string;
};

/** The options by which a testbed's servers differ from an admin's default installation. */
export type ServerOptions = {
	/**
	 * Registrations that Synapse loads, as YAML. The bridge's `register` command writes one; the default is in
	 * registration.ts.
	 */
	registrations: readonly string[];
	/** The same for the Synapse of the second organisation. */
	registrations2?: readonly string[];
	prosody: {
		/**
		 * The policy for a second connection of a component; Prosody's default refuses it while the first one seems
		 * alive.
		 */
		conflict?: "kick_new" | "kick_old";
		componentStanzaLimit?: number;
		c2sStanzaLimit?: number;
		/** The domain that may upload files; the bridge without it. */
		uploadAccess?: string;
		/** False for a Prosody without a MUC service of its own. */
		muc?: false;
		/** Lines inserted before the hosts in prosody.cfg.lua. */
		extra?: string;
	};
	ejabberd: {
		c2sStanzaLimit?: number;
		componentStanzaLimit?: number;
		/** Lines inserted into `modules` in ejabberd.yml. */
		modules?: string;
		/** The access rule of the listener for components. */
		componentAccess?: string;
	};
	/** Lines inserted before the listeners in mosquitto.conf. */
	mosquitto: { extra?: string };
};

/** The values from which the configuration of one testbed is made. */
export type Layout = {
	folder: string;
	ports: Ports;
	options: ServerOptions;
	/** The loopback addresses of the two organisations; without them no server federates. */
	organisations?: readonly [string, string];
};

export const sharedSecret = "testbed-shared-secret";
export const componentSecret = "bridge-secret";
export const caFile = resolve(rootFolder, "srv/certs/ca.crt");
export const runFolder = resolve(bedFolder, "run");

/**
 * Returns the loopback address at which a server federates: a homeserver on port 443, an XMPP server on port 5269.
 */
export function federationAddress({ organisations }: Layout, name: ServerName): string | undefined {
	return organisations?.[name.endsWith("2") ? 1 : 0];
}

/** Returns the servers' /etc/hosts, which is their only DNS: `test.` is a reserved domain. */
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
