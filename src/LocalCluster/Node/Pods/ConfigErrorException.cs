namespace Framelease.LocalCluster.Node.Pods;

/// <summary>The pod asks for something that is not there or not allowed here. The message says how to mend it and is shown on the container.</summary>
sealed class ConfigErrorException(string message) : Exception(message);
