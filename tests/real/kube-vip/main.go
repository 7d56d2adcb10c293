// Command kube-vip stands in for kube-vip v1.2.3 in the assembly tests, since no
// registry that they reach has the real one. It reads the same environment,
// elects through the same Lease and holds the address in the same way, for the
// part that a hagen cluster uses by default: a control-plane address by ARP.
// What it does not do (BGP, services, load balancing, IPv6 neighbours) it refuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// announceInterval is kube-vip's own default (vip_arpRate, 3000 ms).
const announceInterval = 3 * time.Second

type config struct {
	address    netip.Prefix
	link       netlink.Link
	kubeconfig string
	namespace  string
	lease      string
	identity   string
	duration   time.Duration
	deadline   time.Duration
	retry      time.Duration
	metrics    string
}

func main() {
	if len(os.Args) != 2 || os.Args[1] != "manager" {
		log.Fatal("usage: kube-vip manager")
	}
	cfg, err := fromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err = run(ctx, cfg)
	if removeErr := cfg.removeAddress(); removeErr != nil {
		log.Print(removeErr)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func fromEnvironment() (*config, error) {
	for _, unsupported := range []string{"bgp_enable", "svc_enable", "lb_enable", "enable_wireguard"} {
		if os.Getenv(unsupported) == "true" {
			return nil, fmt.Errorf("the stand-in does not do %s", unsupported)
		}
	}
	for _, needed := range []string{"vip_arp", "cp_enable", "vip_leaderelection"} {
		if os.Getenv(needed) != "true" {
			return nil, fmt.Errorf("the stand-in needs %s=true", needed)
		}
	}
	address, err := netip.ParsePrefix(os.Getenv("address") + "/" + variable("vip_subnet", "32"))
	if err != nil {
		return nil, fmt.Errorf("address and vip_subnet: %w", err)
	}
	if !address.Addr().Is4() {
		return nil, fmt.Errorf("the stand-in announces IPv4 only, not %s", address)
	}
	link, err := findLink(os.Getenv("vip_interface"))
	if err != nil {
		return nil, err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	cfg := &config{
		address:    address,
		link:       link,
		kubeconfig: variable("k8s_config_file", "/etc/kubernetes/admin.conf"),
		namespace:  variable("cp_namespace", "kube-system"),
		lease:      variable("vip_leasename", "plndr-cp-lock"),
		identity:   variable("vip_nodename", hostname),
		metrics:    os.Getenv("prometheus_server"),
	}
	// kube-vip's own defaults.
	return cfg, errors.Join(
		seconds(&cfg.duration, "vip_leaseduration", "5"),
		seconds(&cfg.deadline, "vip_renewdeadline", "3"),
		seconds(&cfg.retry, "vip_retryperiod", "1"),
	)
}

func variable(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func seconds(into *time.Duration, name, fallback string) error {
	count, err := strconv.Atoi(variable(name, fallback))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*into = time.Duration(count) * time.Second
	return nil
}

// findLink returns the named interface, or that of the default route.
func findLink(name string) (netlink.Link, error) {
	if name != "" {
		return netlink.LinkByName(name)
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, err
	}
	for _, route := range routes {
		if route.Dst == nil || route.Dst.IP.IsUnspecified() {
			return netlink.LinkByIndex(route.LinkIndex)
		}
	}
	return nil, errors.New("vip_interface is empty and there is no default route")
}

// run takes part in the election until the context ends (nil) or a leadership is
// lost (an error: the process ends and the kubelet starts a fresh one).
func run(ctx context.Context, cfg *config) error {
	// A predecessor that was killed leaves the address on the interface.
	if err := cfg.removeAddress(); err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", cfg.kubeconfig)
	if err != nil {
		return err
	}
	rest.Timeout = cfg.deadline
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	if cfg.metrics != "" {
		go func() { log.Print(http.ListenAndServe(cfg.metrics, http.NotFoundHandler())) }()
	}
	log.Printf("%s asks for %s/%s, to hold %s on %s",
		cfg.identity, cfg.namespace, cfg.lease, cfg.address, cfg.link.Attrs().Name)
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: cfg.namespace, Name: cfg.lease},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: cfg.identity},
		},
		ReleaseOnCancel: true,
		LeaseDuration:   cfg.duration,
		RenewDeadline:   cfg.deadline,
		RetryPeriod:     cfg.retry,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: cfg.hold,
			OnStoppedLeading: func() {
				if err := cfg.removeAddress(); err != nil {
					log.Print(err)
				}
			},
			OnNewLeader: func(identity string) { log.Printf("%s leads", identity) },
		},
	})
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("lost leadership")
}

// hold adds the address and announces it until the leadership ends.
func (cfg *config) hold(ctx context.Context) {
	if err := netlink.AddrReplace(cfg.link, cfg.netlinkAddress()); err != nil {
		log.Fatalf("add %s: %v", cfg.address, err)
	}
	ticker := time.NewTicker(announceInterval)
	defer ticker.Stop()
	for {
		if err := announce(cfg.link, cfg.address.Addr()); err != nil {
			log.Printf("announce %s: %v", cfg.address, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (cfg *config) removeAddress() error {
	err := netlink.AddrDel(cfg.link, cfg.netlinkAddress())
	if err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("remove %s: %w", cfg.address, err)
	}
	return nil
}

func (cfg *config) netlinkAddress() *netlink.Addr {
	mask := net.CIDRMask(cfg.address.Bits(), 32)
	return &netlink.Addr{IPNet: &net.IPNet{IP: cfg.address.Addr().AsSlice(), Mask: mask}}
}

// announce broadcasts one gratuitous ARP reply: neighbours learn the address anew.
func announce(link netlink.Link, address netip.Addr) error {
	const etherTypeARP = 0x0806
	networkOrder := uint16(etherTypeARP>>8 | etherTypeARP&0xff<<8)
	socket, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM, int(networkOrder))
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	broadcast := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	own := link.Attrs().HardwareAddr
	packet := []byte{0, 1, 8, 0, 6, 4, 0, 2} // Ethernet, IPv4, their lengths, reply
	packet = append(packet, own...)
	packet = append(packet, address.AsSlice()...)
	packet = append(packet, broadcast...)
	packet = append(packet, address.AsSlice()...)
	to := &syscall.SockaddrLinklayer{
		Protocol: networkOrder,
		Ifindex:  link.Attrs().Index,
		Halen:    uint8(len(broadcast)),
	}
	copy(to.Addr[:], broadcast)
	return syscall.Sendto(socket, packet, 0, to)
}
