import { child, text, xml } from "../stream/xml.ts";
import { along, type MessageFeature, wordsOf } from "./feature.ts";

const ns = "http://jabber.org/protocol/geoloc";
// RFC 5870 §3.3
const uri = /^geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:,-?\d+(?:\.\d+)?)?(?:;[\w=.;%~-]*)?$/i;
const degrees = /^-?\d{1,3}(\.\d+)?$/;

/** Locations: the body is a geo: URI, which clients send and understand, and an XEP-0080 element goes with it. */
export const places: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		const words = wordsOf(parsed).trim();
		const element = child(stanza, "geoloc", ns);
		const [lat, lon] = [element && text(element, "lat")?.trim(), element && text(element, "lon")?.trim()];
		const coordinates =
			lat && lon && degrees.test(lat) && degrees.test(lon) ? `geo:${lat},${lon}` : undefined;
		const alone = uri.test(words) ? words : undefined;
		// Beside other text, XEP-0080 says where the sender was; the message itself shares no location.
		if (!alone && (words !== "" || coordinates === undefined)) return parsed;
		const description = element && (text(element, "description") || text(element, "text"));
		return {
			...parsed,
			body: [],
			location: { geo: alone ?? (coordinates as string), ...(description && { description }) },
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
