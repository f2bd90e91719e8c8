import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isPublic } from "./addresses.ts";

/**
 * Returns the key of the client behind a request, for its share of the slots: an IPv4 address, or the /64 network of an
 * IPv6 address, since one customer has so many. From a peer with a loopback or private address, which is then a reverse
 * proxy, the last public address of `X-Forwarded-For` counts, which that proxy saw itself. Undefined if no public address
 * is known: behind a proxy without `X-Forwarded-For` all clients look alike.
 */
export function clientOf(request: Pick<IncomingMessage, "headers" | "socket">): string | undefined {
	const peer = request.socket.remoteAddress ?? "";
	if (isPublic(peer)) return network(peer);
	const forwarded = [request.headers["x-forwarded-for"] ?? ""].flat().join(",").split(",");
	const last = forwarded.map(bare).findLast(isPublic);
	return last && network(last);
}

/** Returns the address of `192.0.2.1:1234`, `[2001:db8::1]:1234` and the like, which some proxies write. */
function bare(written: string): string {
	const text = written.trim();
	if (isIP(text)) return text;
	return text.startsWith("[") ? (text.slice(1).split("]")[0] ?? "") : (text.split(":")[0] ?? "");
}

function network(address: string): string {
	// The IPv4-mapped form ends in the IPv4 address.
	if (address.includes(".")) return address.slice(address.lastIndexOf(":") + 1);
	const [head = "", tail = ""] = address.toLowerCase().split("::");
	const before = head.split(":");
	const after = tail.split(":");
	const zeros = address.includes("::") ? 8 - before.length - (tail ? after.length : 0) : 0;
	const groups = [...before, ...Array<string>(zeros).fill("0"), ...after];
	return groups
		.slice(0, 4)
		.map((group) => group.replace(/^0{1,3}(?=.)/, ""))
		.join(":");
}
