import { pbkdf2Sync, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Definition, listens } from "./definition.ts";
import type { Layout } from "./layout.ts";

const config = ({ ports, options }: Layout): string => `allow_anonymous false
password_file /tb/mosquitto/passwd
persistence true
persistence_location /tb/mosquitto/data/
autosave_interval 30
user root
log_dest file /tb/mosquitto/mosquitto.log
log_type warning
log_type error
log_type notice
${options.mosquitto.extra ?? ""}

listener ${ports.mqtt} 127.0.0.1
protocol mqtt

listener ${ports.mqtts} 127.0.0.1
protocol mqtt
cafile /srv/certs/ca.crt
certfile /srv/certs/mqtt.crt
keyfile /srv/certs/mqtt.key

listener ${ports.mqttWebsocket} 127.0.0.1
protocol websockets
`;

export const mosquitto: Definition = {
	files: ({ folder, ...layout }) => {
		const users = resolve(folder, "mosquitto/passwd");
		return {
			"mosquitto.conf": config({ folder, ...layout }),
			passwd: existsSync(users) ? readFileSync(users, "utf8") : passwordLine("bridge", "pw-bridge"),
			"data/.keep": "",
		};
	},
	command: () => ["mosquitto", "-c", "/tb/mosquitto/mosquitto.conf"],
	ready: ({ ports }) => listens(ports.mqtt),
	logs: ["mosquitto.log"],
};

/** Returns a line of mosquitto's password file: `$7$` is PBKDF2 with SHA-512. */
function passwordLine(name: string, password: string): string {
	const salt = randomBytes(12);
	const hash = pbkdf2Sync(password, salt, 101, 64, "sha512");
	return `${name}:$7$101$${salt.toString("base64")}$${hash.toString("base64")}\n`;
}

/** Adds a user to the password file, which the broker reads again on SIGHUP. */
export function writeMosquittoUser(folder: string, name: string, password: string): void {
	appendFileSync(resolve(folder, "mosquitto/passwd"), passwordLine(name, password));
}
