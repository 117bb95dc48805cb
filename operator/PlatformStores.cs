using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Resources;

namespace Framelease.Operator;

/// <summary>What the operator watches: one store a kind, shared by every controller.</summary>
sealed record PlatformStores(
    Store<VideoTask> Tasks, Store<GpuLease> Leases, Store<GpuPool> Pools, Store<Engine> Engines, Store<Tenant> Tenants, Store<Node> Nodes,
    Store<Pod> WorkerPods);
