// The program that holds a pod's namespaces open; see main.go.
module mizzen.test/cluster/pause

go 1.26.0
