using System.Security.Cryptography;

namespace Framelease.Operator.Hosting;

/// <summary>The world outside, as ports: clock for local waits, chance, ids, secrets. A simulated world passes its own (R7).</summary>
sealed record Edges(TimeProvider Time, Random Chance, Func<Guid> NewId, Func<byte[]> NewKey)
{
#pragma warning disable RS0030 // the one place of this program where the real clock, real chance and real ids are named
    public static Edges Real() => new(TimeProvider.System, new Random(), Guid.CreateVersion7, () => RandomNumberGenerator.GetBytes(32));
#pragma warning restore RS0030
}
