# In namespaces of its own: a name server on 127.0.0.1:53 that answers every question with 192.0.2.7, and programs that ask it
# in the ways that resolvers do.
set -eu
ip link set lo up
mount --bind "$1" /etc/resolv.conf
python3 "$2" server &
server=$!
trap 'kill $server' EXIT
python3 "$2" wait
python3 -c 'import socket; socket.getaddrinfo("by-glibc.example", 80)' # sendmmsg and recvfrom
python3 "$2" ask by-recvfrom.example recvfrom
python3 "$2" ask by-recvmsg.example recvmsg
python3 "$2" ask by-read.example read
node -e 'require("dns").resolve4("by-c-ares.example", (error) => process.exit(error ? 1 : 0))'
python3 "$2" ask by-tcp.example tcp
