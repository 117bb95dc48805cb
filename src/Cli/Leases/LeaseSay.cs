namespace Framelease.Cli.Leases;

/// <summary>What <c>lease run</c> tells people, on standard error: standard output is the command's.</summary>
sealed class LeaseSay(TextWriter error, bool quiet)
{
    readonly Lock _gate = new();

    /// <summary>How things go; not with --quiet.</summary>
    public void Note(string line)
    {
        if (!quiet)
            Problem(line);
    }

    /// <summary>What somebody must know.</summary>
    public void Problem(string line)
    {
        lock (_gate)
        {
            error.WriteLine($"framelease: {line}");
            error.Flush();
        }
    }
}
