namespace Framelease.Cli.Demo;

/// <param name="Video">The user's video; null makes a test clip.</param>
/// <param name="Keep">Leave the platform running.</param>
/// <param name="Samples">Directory of the sample manifests.</param>
/// <param name="OutputDirectory">Where the output file is left.</param>
sealed record DemoOptions(string? Video, bool Keep, string Samples, string OutputDirectory);
