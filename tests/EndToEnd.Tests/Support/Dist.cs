namespace Framelease.EndToEnd.Tests.Support;

/// <summary>The built programs: those that users run, not the ones beside the tests.</summary>
static class Dist
{
    public static string Root { get; } = FindRoot();

    public static string Samples => Path.Combine(Root, "samples");

    public static string Directory { get; } =
        Environment.GetEnvironmentVariable("FRAMELEASE_DIST") is { Length: > 0 } named ? named : Path.Combine(Root, "artifacts", "dist");

    /// <summary>The command line.</summary>
    public static string Framelease
    {
        get
        {
            var program = Path.Combine(Directory, "framelease");
            return File.Exists(program) ? program : throw new InvalidOperationException($"{program} does not exist: run ./framelease once, or ./test e2e");
        }
    }

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Platform.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("Platform.sln not found above the tests");
    }
}
