namespace Framelease.GpuWorker.Tests.Support;

/// <summary>A test that must mount a file system: as an ordinary user it is skipped, and the report says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (Environment.UserName != "root")
            Skip = "needs root: it mounts a small tmpfs to fill it";
    }
}
