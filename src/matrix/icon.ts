import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Client } from "./client.ts";

/** Three roads that meet, as a PNG of 48 × 48 pixels. */
const picture =
	"iVBORw0KGgoAAAANSUhEUgAAADAAAAAwBAMAAAClLOS0AAAAFVBMVEUAAAAfX4cfX4cfX4dqlK+0ytf///+AlH91AAAAB3RSTlMAVar/////7QvUyAAAASBJREFUeNqNlOsRwjAIgKNdQO0CURfIo3UBry6g5wJW9h/BBvIgrzv50St8CQECESLK8XI5ilpOFuVc2q/Wi+nYCzJaJjrZ9zYT2XKUOSs2pC3XEpjOhrBlrAEFZu3y4lankacZ4JnsqDlfg30DfBNATWFMsMk92CenYVz0uwbwoGVC7AiAP38BAgeXBf7T+TP9u0wGPM4Tb99CUQ54Fe4TxCUK815euOlLX0xX+4KEtTFwHUob3IUamFjzObMzQJmttgaOrOyu0m3cAD7sRrpgaAPVB/s2kFvZm+DgeqEFeLtxYLAZGkDxRuRAUsPVIGtR1l6aN/XE2kvyMZjTdZhscBiQ2aglV6YYzni4LMY5TIOuHgCaH/Pfk9F/ZKpn6Qf3ANT4hQr46wAAAABJRU5ErkJggg==";
const setting = "matrix icon";

/**
 * Returns the function that resolves with the icon of the bridge as an mxc URI, for lists of networks. The first call
 * uploads it. "" where the homeserver does not take it now.
 */
export function createIcon(deps: {
	client: Pick<Client, "upload">;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	log: Log;
}): () => Promise<string> {
	const { client, mapping, log } = deps;
	let known: Promise<string> | undefined;

	async function make(): Promise<string> {
		const kept = await mapping.setting(setting);
		if (kept) return kept;
		const { content_uri: uri } = await client.upload(Buffer.from(picture, "base64"), "image/png", "icon.png");
		await mapping.saveSetting(setting, uri);
		return uri;
	}

	return () => {
		known ??= make().catch((error: unknown) => {
			known = undefined;
			log.debug({ err: error }, "the icon of the bridge could not be uploaded");
			return "";
		});
		return known;
	};
}
