using System.CommandLine;
using System.Net;
using System.Net.Sockets;

namespace Framelease.Cli.Up;

/// <summary>Options of <c>framelease up</c>.</summary>
sealed class UpOptions
{
    public Option<string?> DataDir { get; } = new("--data-dir")
    {
        Description = "Where everything is kept; a second start goes on from there. Default: $FRAMELEASE_DATA, else ~/.local/share/framelease",
        HelpName = "DIR",
    };

    public Option<int> Gpus { get; } = new("--gpus")
    {
        Description = "Software slots offered where there is no GPU, 0 to 64", HelpName = "N", DefaultValueFactory = _ => 1,
    };

    public Option<string?> Postgres { get; } = new("--postgres")
    {
        Description = "Use this database (Npgsql connection string) instead of a private PostgreSQL", HelpName = "CONNECTION",
    };

    public Option<int?> Port { get; } = new("--port")
    {
        Description = "Port of the operator's HTTP API; 0 takes any free one. Default: the last one, else 8788, if free, else any", HelpName = "N",
    };

    public Option<int?> MetricsPort { get; } = new("--metrics-port")
    {
        Description = "Port of the operator's /metrics and health; 0 takes any free one. Default: the last one, else 8789, if free, else any",
        HelpName = "N",
    };

    public Option<int?> ApiPort { get; } = new("--api-port")
    {
        Description = "Port of the Kubernetes API; 0 takes any free one. Default: the last one if free, else any", HelpName = "N",
    };

    public Option<string[]> InputRoots { get; } = new("--input-root")
    {
        Description = "Directory under which file:// inputs may lie; may be repeated. Default: none", HelpName = "DIR", Arity = ArgumentArity.OneOrMore,
    };

    public Option<string[]> InputHosts { get; } = new("--input-host")
    {
        Description = "Host that http(s):// inputs may name although its address is private; may be repeated", HelpName = "HOST", Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>For programs that start a platform: it ends with them, however they end.</summary>
    public Option<bool> UntilStdinCloses { get; } = new("--until-stdin-closes") { Description = "Stop when standard input ends", Hidden = true };

    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[DataDir, Gpus, Postgres, Port, MetricsPort, ApiPort, InputRoots, InputHosts, UntilStdinCloses])
            command.Add(option);
    }

    /// <summary>0 becomes a port that is free now.</summary>
    public static int? Chosen(int? asked, string option)
    {
        if (asked is < 0 or > 65535)
            throw CliException.Usage($"{option} {asked}: must be 0 to 65535");
        if (asked is not 0)
            return asked;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
