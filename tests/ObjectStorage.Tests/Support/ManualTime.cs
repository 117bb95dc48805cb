namespace Framelease.ObjectStorage.Tests.Support;

/// <summary>A clock that stands until it is moved.</summary>
public sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    DateTimeOffset _now = now;

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;
}
