namespace Framelease.Resources.Tests;

/// <summary>Runs only where FRAMELEASE_TEST_KUBECONFIG names an API server; elsewhere it is reported as skipped, with this reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealServerFactAttribute : FactAttribute
{
    public RealServerFactAttribute()
    {
        if (KubeConfigPath is null)
            Skip = "FRAMELEASE_TEST_KUBECONFIG is not set: no real API server to check the definitions with";
    }

    public static string? KubeConfigPath => Environment.GetEnvironmentVariable("FRAMELEASE_TEST_KUBECONFIG") is { Length: > 0 } path ? path : null;
}
