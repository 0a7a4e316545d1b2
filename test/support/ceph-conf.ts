/** Which object store the OSD keeps its objects in: memory, or one sparse file (for more than about 2 GiB). */
export type CephObjectStore = 'memstore' | 'bluestore'

export interface CephConfOptions {
  fsid: string
  directory: string
  monitorPort: number
  gatewayPort: number
  objectStore: CephObjectStore
  /** Bytes the OSD may hold. */
  capacity: number
}

/**
 * ceph.conf of a throw-away cluster: one monitor, one OSD, one gateway, everything below `directory`,
 * nothing listening beyond 127.0.0.1 and no authentication between the daemons.
 */
export function cephConf(options: CephConfOptions): string {
  const { directory, monitorPort, gatewayPort, objectStore, capacity } = options
  return `[global]
fsid = ${options.fsid}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log file = ${directory}/log/$name.log
crash dir = ${directory}/crash
keyring = /dev/null

auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
# radosgw alone insists on encrypted connections by default, which need cephx: it would never start
ms mon client mode = crc secure

# one copy of everything, on the only OSD there is
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 2000

# with the defaults (1 s and 0.05 s) every step of the start waits: 12 s instead of 1
paxos propose interval = 0.05
paxos min wait = 0.01
# the host's disk may be nearly full: this cluster needs little of it
mon data avail warn = 1
mon data avail crit = 1

[mon]
mon data = ${directory}/mon
mon initial members = a
mon cluster log file = ${directory}/log/cluster.log
[mon.a]
host = localhost

[osd]
osd data = ${directory}/osd
osd objectstore = ${objectStore}
osd crush initial weight = 1
osd class update on start = false
osd memory target = ${1024 ** 3}
memstore device bytes = ${capacity}
bluestore block size = ${capacity}
bluestore block db create = false
bluestore block wal create = false

[client.rgw]
rgw data = ${directory}/rgw
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw enable apis = s3
rgw enable usage log = false
rgw thread pool size = 64
# with STS on, every kind of bad credentials answers AccessDenied
rgw s3 auth use sts = false
rgw gc obj min wait = 5
rgw gc processor period = 10
rgw gc processor max time = 10
`
}
