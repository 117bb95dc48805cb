// Hashes of keys that depend on the program's chance, not on the process: in a simulated world a store shows the same order every time.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Watching;

/// <summary>
/// Equality as ever. The hash is seeded, as that of strings is, so that nobody can choose names that meet; but with a seed that is given.
/// </summary>
sealed class KeyComparer(Jitter? chance) : IEqualityComparer<ObjectKey>
{
    const uint Prime = 16777619;

    readonly uint _seed = chance is null ? 2166136261 : (uint)(chance.Next() * uint.MaxValue);

    public static KeyComparer Unseeded { get; } = new(null);

    public bool Equals(ObjectKey x, ObjectKey y) => x.Name == y.Name && x.Namespace == y.Namespace;

    public int GetHashCode(ObjectKey key)
    {
        var hash = Mix(_seed, key.Name);
        hash = Mix(hash, key.Namespace);
        return (int)(hash ^ (hash >> 15));
    }

    static uint Mix(uint hash, string? text)
    {
        foreach (var c in text ?? "")
            hash = (hash ^ c) * Prime;
        return hash;
    }
}
