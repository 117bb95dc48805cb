using System.CommandLine;
using System.Reflection;
using Framelease.Cli.Connecting;
using Framelease.Cli.Leases;
using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease lease run --pool P -- CMD</c>: runs any command under a GPU lease of its own.</summary>
static class LeaseCommand
{
    const string Run = "run";

    static readonly Option<string> Pool = new("--pool", "-p")
    {
        Description = "GpuPool that the device comes from", HelpName = "NAME", DefaultValueFactory = _ => "default",
    };

    static readonly Option<string?> Name = new("--name") { Description = "Name of the GpuLease. Default: made up", HelpName = "NAME" };

    static readonly Option<int?> MaxWait = Seconds("--max-wait", "Longest wait for a device; 0 = without limit. Default 300");

    static readonly Option<int?> Soft = Seconds("--soft-seconds", "Held for so long, the command is asked to end (SIGTERM). Default: the pool's");

    static readonly Option<int?> Hard = Seconds("--hard-seconds", "Held for so long, the lease is taken away (SIGKILL). Default: the pool's");

    static readonly Option<int> Vram = Count("--vram-mib", "Device memory that must be free, MiB", 1048576);

    static readonly Option<int> Encode = Count("--encode-sessions", "Encoder sessions that are needed", 1024);

    static readonly Option<int> Decode = Count("--decode-sessions", "Decoder sessions that are needed", 1024);

    static readonly Option<int> Boost = Count("--priority-boost", "Points on top of the tenant's tier, as far as it allows", 200);

    static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = "Bearer token for the operator. Default: the kubeconfig's own", HelpName = "FILE",
    };

    static readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "Say nothing on standard error but problems" };

    static readonly Argument<string[]> Words = new("command")
    {
        Description = "Program and arguments, after --; started as they are, never through a shell", Arity = ArgumentArity.OneOrMore,
    };

    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var run = new Command(
            Run,
            "Run a command while holding a device: waits for it, tells the command by its environment, releases it at the end. The exit code is the command's; "
            + "121 refused, 122 lease lost, 123 not released, 124 gave up waiting, 125 platform away, 126/127 command not executable/not found")
        {
            Pool, Name, MaxWait, Soft, Hard, Vram, Encode, Decode, Boost, TokenFile, Quiet, Words,
        };
        run.SetAction((parsed, ct) => RunAsync(globals, shell, parsed, ct));
        return new Command("lease", "Hold a device by hand") { run };
    }

    /// <summary>Whether signals are for the command that runs under the lease, and not for this program.</summary>
    public static bool HandlesSignals(ParseResult parsed) =>
        parsed.CommandResult.Command.Name == Run && parsed.CommandResult.Command.Parents.OfType<Command>().Any(c => c.Name == "lease");

    static async Task<int> RunAsync(GlobalOptions globals, Shell shell, ParseResult parsed, CancellationToken ct)
    {
        var options = new LeaseRunOptions(
            parsed.GetValue(Pool)!, parsed.GetValue(Words)!, parsed.GetValue(Name), parsed.GetValue(MaxWait), parsed.GetValue(Soft),
            parsed.GetValue(Hard), parsed.GetValue(Vram), parsed.GetValue(Encode), parsed.GetValue(Decode), parsed.GetValue(Boost),
            parsed.GetValue(TokenFile), parsed.GetValue(Quiet));
        var say = new LeaseSay(shell.Console.Error, options.Quiet);
        using var cluster = Cluster.Connect(globals, parsed, shell);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var host = System.Environment.MachineName;
        var attach = new HolderAttachRequest(
            Version, "", "", shell.NewId().ToString("N"), BootId(), host, ProtocolVersion.Current.ToString(), HolderSelf.Read());
        var run = new LeaseRun(
            cluster.Client, Connect, attach, options, new NvidiaSmi(shell.Time), say, SignalSource.Listen, shell.Time, shell.Random);
        return await run.RunAsync(LeaseObject.Of(options, cluster.Namespace, shell.NewId(), $"{System.Environment.UserName}@{host}"));

        async Task<IHolderApi> Connect(CancellationToken stop)
        {
            http.BaseAddress = await cluster.OperatorAddressAsync(stop);
            _ = Token(options, cluster); // before anything is asked for
            return new HolderApi(new ProtocolClient(http, shell.Time), () => Token(options, cluster));
        }
    }

    static string Token(LeaseRunOptions options, Cluster cluster)
    {
        var file = options.TokenFile ?? cluster.Options.TokenFile;
        return (file is null ? cluster.Options.Token : File.ReadAllText(file).Trim()) is { Length: > 0 } token
            ? token
            : throw new CliException(
                "this kubeconfig carries no bearer token, and the operator knows callers by theirs: pass --token-file FILE, made with "
                + "`kubectl create token SERVICEACCOUNT > FILE`");
    }

    static string Version =>
        typeof(LeaseCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    // What tells this machine from others, and this start of it from the next.
    static string? BootId()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static Option<int?> Seconds(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "SECONDS" };
        option.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int?>() is { } given and (< 0 or > 604800))
                r.AddError($"{name} is {given}; allowed are 0 to 604800 seconds");
        });
        return option;
    }

    static Option<int> Count(string name, string description, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is var given && (given < 0 || given > most))
                r.AddError($"{name} is {given}; allowed are 0 to {most}");
        });
        return option;
    }
}
