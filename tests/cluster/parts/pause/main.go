// Pause is the first process of every pod on the test node: containerd starts it to hold the
// pod's namespaces. It reaps what is orphaned in a pod that shares its process namespace, and
// ends at once when it is asked to, or every pod would take its whole grace period to stop.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}
