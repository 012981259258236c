/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_send: the one way out for packets of every type: authentication renewed, encoded, held
 * against the tunnel's MTU, given to the dataplane; what does not leave is counted by reason. Only
 * the control core calls.
 */
#include "nhrp_priv.h"

#include <errno.h>
#include <string.h>

#include "control/events.h"

#define PACKET_MAX 2048

static int failed(struct nhrp_server *srv,
		  uint16_t tunnel,
		  const struct dp_addr *nbma,
		  const struct nhrp_packet *p,
		  int err)
{
	enum nhrp_drop drop = err == -EMSGSIZE ? NHRP_DROP_TOO_BIG : NHRP_DROP_SEND;
	char to[DP_ADDR_STRLEN], type[NHRP_NAME_LEN];

	srv->counters[NHRP_COUNTER_DROP + drop]++;
	event_emit(EVENT_NHRP_DROPPED, spoke_tunnel_name(srv->spokes, tunnel), "%s: %s to %s: %s",
		   nhrp_counter_name(NHRP_COUNTER_DROP + drop), nhrp_type_name(p->type, type),
		   dp_addr_format(nbma, to), strerror(-err));
	return err;
}

int nhrp_send_bare(struct nhrp_server *srv,
		   uint16_t tunnel,
		   const struct dp_addr *nbma,
		   uint16_t natt_port,
		   struct nhrp_packet *packet)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, tunnel);
	uint8_t buf[PACKET_MAX];
	int len;

	if (!t)
		return failed(srv, tunnel, nbma, packet, -ENOENT);
	len = nhrp_packet_encode(packet, buf,
				 t->conf.mtu < sizeof(buf) ? t->conf.mtu : sizeof(buf));
	if (len > 0)
		len = dp_inject_nhrp(tunnel, nbma, natt_port, buf, (size_t)len);
	if (len < 0)
		return failed(srv, tunnel, nbma, packet, len);
	srv->counters[NHRP_COUNTER_TX + packet->type]++;
	return 0;
}

int nhrp_send(struct nhrp_server *srv,
	      uint16_t tunnel,
	      const struct dp_addr *nbma,
	      uint16_t natt_port,
	      struct nhrp_packet *packet)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, tunnel);
	int err = t ? nhrp_auth_renew(t, packet) : 0;

	if (err < 0)
		return failed(srv, tunnel, nbma, packet, err);
	return nhrp_send_bare(srv, tunnel, nbma, natt_port, packet);
}
