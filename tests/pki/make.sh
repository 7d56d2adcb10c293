#!/bin/sh
# Makes the imported material of the tests: an authority as kubeadm makes it (PrintableString), one with a
# longer subject and without key identifier, some that are none, and keys of kinds that hagen refuses.
# Random: running it again changes every file, and no test depends on their bytes. openssl 3.
set -eu
cd "$(dirname "$0")"

config() { # config <basic constraints> <key usage> <subject key identifier>
    printf '%s\n' '[req]' 'string_mask = default' 'distinguished_name = dn' 'x509_extensions = ext' '[dn]' '[ext]' \
        "basicConstraints = critical,$1" "keyUsage = critical,$2" "subjectKeyIdentifier = $3" 'authorityKeyIdentifier = none'
}
certificate() { # certificate <name> <key> <subject> <basic constraints> <key usage> <subject key identifier>
    config "$4" "$5" "$6" >"$1.cnf"
    openssl req -x509 -new -key "$2" -subj "$3" -days 36500 -config "$1.cnf" -out "$1.crt"
    rm "$1.cnf"
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
certificate ca ca.key /CN=kubernetes CA:TRUE digitalSignature,keyEncipherment,keyCertSign hash
# The discovery hash, as people make it by hand.
openssl x509 -in ca.crt -pubkey -noout | openssl pkey -pubin -outform der | sha256sum | cut -d ' ' -f 1 >ca.hash
# Without `-noout` openssl writes the curve's name before the key.
openssl ecparam -name prime256v1 -genkey -out long.key
certificate long long.key "/C=CH/O=Example AG/OU=Platform/CN=etcd-ca" CA:TRUE keyCertSign none
openssl ecparam -name prime256v1 -genkey -noout -out repeated.key
certificate repeated repeated.key "/O=one/O=two/CN=kubernetes" CA:TRUE keyCertSign hash
openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
# Each lacks one of the two things that make an authority.
certificate no-ca leaf.key /CN=leaf CA:FALSE digitalSignature,keyCertSign hash
certificate no-sign leaf.key /CN=leaf CA:TRUE digitalSignature hash

openssl ecparam -name secp384r1 -genkey -noout -out p384-sec1.key
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384-pkcs8.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa-pkcs8.key
openssl rsa -traditional -in rsa-pkcs8.key -out rsa-pkcs1.key
openssl genpkey -algorithm ed25519 -out ed25519.key
openssl pkcs8 -topk8 -in ca.key -passout pass:x -out encrypted.key
