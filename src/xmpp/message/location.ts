import { child, text, xml } from "../stream/xml.ts";
import { along, type MessageFeature, wordsOf } from "./feature.ts";

const ns = "http://jabber.org/protocol/geoloc";
// RFC 5870 §3.3
const uri = /^geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:,-?\d+(?:\.\d+)?)?(?:;[\w=.;%~-]*)?$/i;
const degrees = /^-?\d{1,3}(\.\d+)?$/;

/** Places: a geo: URI as the body, which is what clients send and know, and XEP-0080 besides. */
export const places: MessageFeature = {
	vars: [],
	read(stanza, heard) {
		const words = wordsOf(heard).trim();
		const element = child(stanza, "geoloc", ns);
		const [lat, lon] = [element && text(element, "lat")?.trim(), element && text(element, "lon")?.trim()];
		const told = lat && lon && degrees.test(lat) && degrees.test(lon) ? `geo:${lat},${lon}` : undefined;
		const alone = uri.test(words) ? words : undefined;
		// Beside other words it is where they were written.
		if (!alone && (words !== "" || told === undefined)) return heard;
		const description = element && (text(element, "description") || text(element, "text"));
		return {
			...heard,
			body: [],
			location: { geo: alone ?? (told as string), ...(description && { description }) },
		};
	},
	write(event, draft) {
		const place = "location" in event ? event.location : undefined;
		if (!place) return draft;
		const [, lat, lon] = uri.exec(place.geo) ?? [];
		return along(
			{ ...draft, body: place.geo, mentions: [] },
			lat &&
				lon &&
				xml(
					"geoloc",
					{ xmlns: ns },
					xml("lat", {}, lat),
					xml("lon", {}, lon),
					place.description && xml("description", {}, place.description),
				),
		);
	},
};
