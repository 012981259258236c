#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The digests of tests/unit/test_crypto.c, computed with OpenSSL (python3-cryptography): FNV-1a over the ciphertexts and
ICVs of packets of 0 to 2000 bytes, every other one with ESN. Not run by the tests."""
import hmac, hashlib, struct
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
HM={'SHA1':(hashlib.sha1,12,20),'SHA256':(hashlib.sha256,16,32),'SHA384':(hashlib.sha384,24,48),'SHA512':(hashlib.sha512,32,64)}
algs=[('AES128_GCM',20,0,8),('AES192_GCM',28,0,8),('AES256_GCM',36,0,8),('CHACHA20_POLY1305',36,0,8)]
algs+=[(f'AES{b}_CBC_{h}',b//8,HM[h][2],16) for h in HM for b in (128,256)]+[(f'NULL_{h}',0,HM[h][2],0) for h in HM]
for a,kl,al,ivl in algs:
    key=bytes((7*i+1)&255 for i in range(kl)); ak=bytes((11*i+3)&255 for i in range(al))
    d=0xcbf29ce484222325
    for n in range(0,2001,13):
        L=(n+15)//16*16 or 16
        if 'CBC' not in a: L=n
        text=bytes((i*13+n*31)&255 for i in range(L))
        spi=struct.pack('>I',0x1000); seq=struct.pack('>I',n+1); hi=struct.pack('>I',n) if n&1 else b''
        iv=bytes((n+5*i)&255 for i in range(ivl))
        if 'GCM' in a: ct=AESGCM(key[:-4]).encrypt(key[-4:]+iv,text,spi+hi+seq)
        elif 'CHACHA' in a: ct=ChaCha20Poly1305(key[:-4]).encrypt(key[-4:]+iv,text,spi+hi+seq)
        else:
            ct=text
            if 'CBC' in a: c=Cipher(algorithms.AES(key),modes.CBC(iv)).encryptor(); ct=c.update(text)+c.finalize()
            f,m,_=HM[a.split('_')[-1]]; ct+=hmac.new(ak,spi+seq+iv+ct+hi,f).digest()[:m]
        for b in ct: d=((d^b)*0x100000001b3)&0xffffffffffffffff
    print(f'\t[DP_SA_{a}] = 0x{d:016x},')
