using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Configuration;

/// <summary>A kubeconfig that can not be used. The message names the file, the field, what is wrong and how to mend it.</summary>
public sealed class KubeConfigException(string message, Exception? inner = null)
    : KubernetesException(message, new Status { Outcome = "Failure", Reason = KubernetesReasons.InvalidConfiguration, Message = message }, inner);
