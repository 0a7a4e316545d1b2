import { aws } from './aws.ts'
import { deaf, fallThrough, garbled } from './hostile.ts'
import { minio } from './minio.ts'
import type { PersonalityName } from './names.ts'
import type { Personality } from './personality.ts'
import { rgw } from './rgw.ts'
import { swift } from './swift.ts'
import { versitygw } from './versitygw.ts'

export const personalities: Readonly<Record<PersonalityName, Personality>> = {
  rgw,
  aws,
  minio,
  versitygw,
  swift,
  'fall-through': fallThrough,
  deaf,
  garbled,
}
