import type { Feed } from "../mqtt/feed.ts";
import type { MqttOptions } from "../mqtt/index.ts";
import { compileTemplate, compileTopicTemplate, TemplateError } from "../mqtt/template.ts";
import type { Problem } from "./validate.ts";

/** A mirror as the schema lets it through. */
export type RawMirror = MqttOptions["mirrors"][number] &
	Readonly<{ rooms?: number; room_name?: string; invite?: string[] }>;

/** Rooms that a mirror makes at most, unless it says otherwise. */
const mostRooms = 50;

/** Returns true for a mirror whose topics get rooms of their own: their addresses are a template. */
const makesRooms = ({ room }: RawMirror): boolean => room.includes("{{");

/** Returns the template of the rooms' names within the addresses that the bridge may give. */
const withinOurs = (room: string, domain: string): string | undefined =>
	room.startsWith("#_mqtt_") && room.endsWith(`:${domain}`)
		? room.slice("#_mqtt_".length, -1 - domain.length) || undefined
		: undefined;

/** Returns the mirrors with one room each, and those that make rooms. `admins`: the people whom these rooms are for. */
export function readMirrors(
	raw: readonly RawMirror[],
	domain: string,
	admins: readonly string[],
): Pick<MqttOptions, "mirrors" | "making"> {
	const mirrors = raw.filter((one) => !makesRooms(one));
	const making = raw.filter(makesRooms).map((one) => {
		const { broker, topic, room, publish, rooms = mostRooms, room_name, invite = admins, ...shape } = one;
		return {
			...{ broker, topic, rooms, invite, shape },
			room: withinOurs(room, domain) ?? room,
			...(room_name !== undefined && { roomName: room_name }),
			...(publish && { publish }),
		};
	});
	return { mirrors, making };
}

/** Returns the problems of mirrors that are valid one by one. */
export function mirrorProblems(
	mirrors: readonly RawMirror[],
	{ brokers, domain }: Readonly<{ brokers: object; domain: string }>,
): readonly Problem[] {
	const found: Problem[] = [];
	for (const [index, mirror] of mirrors.entries()) {
		const path = ["mqtt", "mirrors", index] as const;
		const { broker, topic, room } = mirror;
		const makes = makesRooms(mirror);
		const first = mirrors.findIndex(
			(one) => one.room === room && (makes || (one.broker === broker && one.topic === topic)),
		);
		if (first < index)
			found.push({
				path,
				message: makes
					? `the same rooms as mqtt.mirrors.${first}. Write one mirror for both, or give the rooms other addresses`
					: `the same broker, topic and room as mqtt.mirrors.${first}. Remove one of them`,
			});
		if (makes && withinOurs(room, domain) === undefined)
			found.push({
				path: [...path, "room"],
				message: `the addresses of rooms that the bridge makes begin with #_mqtt_ and end with :${domain}, such as #_mqtt_{{topic.2}}:${domain}`,
			});
		const { min = -Infinity, max = Infinity } = mirror.only ?? {};
		if (min > max)
			found.push({
				path: [...path, "only", "max"],
				message: "it is below “min”, so no value would be shown. Exchange the two, or write two mirrors",
			});
		const compile = {
			template: compileTemplate,
			name: compileTemplate,
			room_name: compileTopicTemplate,
			device: compileTopicTemplate,
			availability: compileTopicTemplate,
		};
		for (const [key, check] of [
			...Object.entries(compile),
			...(makes ? [["room", compileTopicTemplate] as const] : []),
		])
			found.push(...templateProblems(mirror[key as keyof typeof compile], check, [...path, key]));
		const { command, reactions = {} } = mirror.publish ?? {};
		const under = [...path, "publish"];
		found.push(...templateProblems(command, compileTopicTemplate, [...under, "command"]));
		for (const [emoji, answer] of Object.entries(reactions))
			found.push(
				...templateProblems(answer.topic, compileTopicTemplate, [...under, "reactions", emoji, "topic"]),
			);
		for (const key of ["rooms", "room_name", "invite"] as const)
			if (!makes && mirror[key] !== undefined)
				found.push({
					path,
					key,
					message: `“${key}” is for a mirror that makes rooms. Give “room” places for the levels of the topic, such as #_mqtt_{{topic.2}}:${domain}`,
				});
		if (!Object.hasOwn(brokers, broker))
			found.push({ path: [...path, "broker"], message: "no broker has this name under mqtt.brokers" });
	}
	return found;
}

/** Returns the problems of feeds that are valid one by one. */
export function feedProblems(feeds: readonly Feed[], brokers: object): readonly Problem[] {
	return feeds.flatMap(({ broker, topic, room }, index): Problem[] => {
		const path = ["mqtt", "feeds", index] as const;
		const first = feeds.findIndex((one) => one.broker === broker && one.topic === topic && one.room === room);
		return [
			...(first < index
				? [{ path, message: `the same broker, topic and room as mqtt.feeds.${first}. Remove one of them` }]
				: []),
			...(Object.hasOwn(brokers, broker)
				? []
				: [{ path: [...path, "broker"], message: "no broker has this name under mqtt.brokers" }]),
		];
	});
}

function templateProblems(
	source: string | undefined,
	compile: (source: string) => unknown,
	path: Problem["path"],
): readonly Problem[] {
	try {
		compile(source ?? "");
		return [];
	} catch (error) {
		if (!(error instanceof TemplateError)) throw error;
		return [{ path, message: `${error.message} (character ${error.at} of the template)` }];
	}
}
