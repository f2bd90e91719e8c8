import type { Ports } from "./ports.ts";

export const asToken = "as-token-testbed";
export const hsToken = "hs-token-testbed";

/** Returns the appservice registration of a testbed whose test brings none. */
export function defaultRegistration(ports: Ports): string {
	return `id: trivium
url: "http://127.0.0.1:${ports.appservice}"
as_token: "${asToken}"
hs_token: "${hsToken}"
sender_localpart: trivium
rate_limited: false
receive_ephemeral: true
protocols: ["xmpp", "mqtt"]
namespaces:
  users:
    - { exclusive: true, regex: '^@_xmpp_.*:hs\\.test$' }
    - { exclusive: true, regex: '^@_mqtt_.*:hs\\.test$' }
  aliases:
    - { exclusive: true, regex: '^#_xmpp_.*:hs\\.test$' }
    - { exclusive: true, regex: '^#_mqtt_.*:hs\\.test$' }
  rooms: []
`;
}
