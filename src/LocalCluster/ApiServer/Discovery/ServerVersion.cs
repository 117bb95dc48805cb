using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Discovery;

/// <summary>The version of Kubernetes whose API this server speaks; clients compare it with their own.</summary>
static class ServerVersion
{
    const string Major = "1";
    const string Minor = "32";

    public static JsonObject ToJson() => new()
    {
        ["major"] = Major,
        ["minor"] = Minor,
        ["gitVersion"] = $"v{Major}.{Minor}.0+framelease",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = RuntimeInformation.FrameworkDescription,
        ["compiler"] = "dotnet",
        ["platform"] = $"linux/{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64")}",
    };
}
