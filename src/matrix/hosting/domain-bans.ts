import type { DomainBan } from "../../core/hosting.ts";
import { type Content, type MatrixEvent, text } from "../event.ts";

/**
 * Bans of whole domains of other networks, as rules in the room (Matrix spec, "Moderation policy lists"): clients show each as a
 * line, other bots may follow it, and people of the room may take it back.
 */

export const ruleType = "m.policy.rule.server";
const prefix = "trivium ";

/** Returns the state key and the content of the rule about a domain; without `ban` there is none. */
export const ruleFor = (
	domain: string,
	ban: Readonly<{ reason?: string | undefined }> | undefined,
): Readonly<{ key: string; content: Content }> => ({
	key: `${prefix}${domain}`,
	content: ban ? { entity: domain, recommendation: "m.ban", reason: ban.reason ?? "" } : {},
});

/** Returns the ban, or its end, that a rule of ours tells; undefined for any other event. */
export function domainBanIn({ type, state_key: key, content }: MatrixEvent): DomainBan | undefined {
	if (type !== ruleType || !key?.startsWith(prefix)) return undefined;
	const domain = key.slice(prefix.length);
	const isBan = content.entity === domain && content.recommendation === "m.ban";
	return { kind: "domain", domain, ...(isBan && { ban: { reason: text(content.reason) } }) };
}
