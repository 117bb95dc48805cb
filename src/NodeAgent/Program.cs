// framelease-node: the agent of a node. The composition root: the only place that names the real clock, chance, network and signals.
using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Framelease.Devices;
using Framelease.NodeAgent;
using Framelease.NodeAgent.Asking;
using Framelease.NodeAgent.Devices;
using Framelease.NodeAgent.Looking;

var told = typeof(AgentLoop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
var version = told?.Split('+')[0] ?? "0";
if (args is ["--help"] or ["-h"])
{
    Console.Out.WriteLine(AgentOptions.Usage);
    return 0;
}

if (args is ["--version"])
{
    Console.Out.WriteLine(version);
    return 0;
}

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
try
{
    var options = AgentOptions.Parse(args, Environment.GetEnvironmentVariable);
    var from = Viewpoints.Here(PodsKnownBy.Cgroup);
    if (Viewpoints.Complaint(from, options.IsNestedNode) is { } complaint)
        throw new AgentException(complaint);
    if (!Viewpoints.MayLookIntoAll())
        Say("without the capability SYS_PTRACE the holders of bare leases cannot all be looked for: their slots may stay in quarantine");

#pragma warning disable RS0030 // composition root: the real clock and real chance enter here
    var (time, chance) = (TimeProvider.System, new Random());
#pragma warning restore RS0030
    using var client = Client(options);
    var api = new HttpOperator(client, options.Node, () => File.ReadAllText(options.TokenFile).Trim(), time);
    Say($"looks after node {options.Node} for {options.Operator}");
    var agent = new AgentLoop(api, new ProcReader("/proc", from), new NvidiaSmi(time), version, Say, time, chance);
    if (!options.PublishesDevices)
    {
        await agent.RunAsync(stop.Token);
        return 0;
    }

    // Both end by a signal; whichever cannot run ends the program.
    Task[] both = [agent.RunAsync(stop.Token), DevicePublisher.RunAsync(options, Say, time, chance, stop.Token)];
    await await Task.WhenAny(both);
    await Task.WhenAll(both);
    return 0;
}
catch (AgentException e)
{
    Console.Error.WriteLine($"framelease-node: {e.Message}");
    return 2;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

static void Say(string line) => Console.Out.WriteLine(new string([.. line.Select(c => char.IsControl(c) ? ' ' : c)]));

static HttpClient Client(AgentOptions options)
{
    var handler = new SocketsHttpHandler
    {
        UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5),
    };
    if (options.AuthorityFile is { } file)
    {
        var chain = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            chain.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new AgentException($"--ca-file {file} cannot be read: {e.Message}");
        }

        handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = chain };
    }

    return new HttpClient(handler) { BaseAddress = options.Operator, Timeout = Timeout.InfiniteTimeSpan };
}
