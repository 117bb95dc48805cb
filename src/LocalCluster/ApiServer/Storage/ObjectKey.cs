namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>Names an object inside its resource; <see cref="Namespace"/> is empty for cluster-scoped ones.</summary>
readonly record struct ObjectKey(string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
